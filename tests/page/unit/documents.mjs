/** Small status documents to make models of. */

export const check = (more = {}) => ({
  kind: "TCP_CHECK", target: null, up: true, has_run: true, last_result: "connected", last_run: 100, latency_ms: 1.5, next_in_s: 3, retries_left: 0, paused: false, ...more,
});

export const server = (service, address, more = {}) => ({
  id: `${service}/${address}:80`, address, port: 80, forwarding: "NAT", weight: 1, effective_weight: 1, alive: true, in_pool: true, inhibited: false, since: 50, why: null, checks: [check()], ...more,
});

export const down = {
  alive: false, in_pool: false, effective_weight: 0, why: "TCP_CHECK 10.0.0.1:80 fails: connection refused", checks: [check({ up: false, last_result: "connection refused" })],
};

export function service(address, servers = [], more = {}) {
  const id = `tcp/${address}:80`;
  return {
    id, name: `[${address}]:tcp:80`, address, port: 80, protocol: "TCP", scheduler: "rr", forwarding: "NAT", quorum: 1, quorum_up: true, since: 10, weight: 2, sorry_server: null,
    real_servers: servers.map(([host, how]) => server(id, host, how)), ...more,
  };
}

export const instance = (name, state, addresses, more = {}) => ({
  name, group: null, interface: "eth0", vrid: 1, family: "inet", version: 2, state, since: 20, wanted: state, priority: 100, base_priority: 100, reasons: [], faults: [], preempt: true,
  master: state === "MASTER" ? null : { address: "10.0.0.2", priority: 150 }, addresses: addresses.map((address) => ({ address, interface: "eth0", set: state === "MASTER" })), split_brain: null, ...more,
});

export const doc = (instances, services, more = {}) => ({
  schema: 1, daemon: { host: "lb1", started: 0, uptime_s: 100, roles: [] }, overrides: [], vrrp: { instances, groups: [], trackers: [] }, checkers: { data_plane: "ipvs", virtual_servers: services }, bfd: null, ...more,
});

/** Every character as wide as every other. */
export const measure = (text) => text.length * 7;
