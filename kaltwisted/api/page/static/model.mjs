/**
 * What the page shows, made of the daemon's status document.
 *
 * A tone says how much something matters: "ok", "warn" (somebody should look), "bad" (clients notice),
 * "off" (so on purpose, or not known yet).
 */
import { endpoint } from "./format.mjs";

const list = (value) => (Array.isArray(value) ? value : []);

/** States of a real server, in the order in which the page counts them. */
export const SERVER_STATES = {
  up: { tone: "ok", word: "in the pool" },
  drained: { tone: "off", word: "drained" },
  disabled: { tone: "off", word: "disabled" },
  checking: { tone: "off", word: "not checked yet" },
  out: { tone: "warn", word: "out of the pool" },
  down: { tone: "bad", word: "down" },
};

function serverState(server, overrides) {
  const actions = overrides.map((each) => each.action);
  if (actions.includes("disable")) return "disabled";
  if (!server.alive) {
    const checks = list(server.checks);
    return checks.length && checks.every((check) => !check.has_run) ? "checking" : "down";
  }
  if (actions.includes("drain")) return "drained";
  if (!server.in_pool) return "out";
  return server.effective_weight === 0 ? "drained" : "up";
}

/** Why a server is out, as short as a line of the picture: what the check found that fails. */
function reasonOf(server) {
  if (server.alive) return server.why ?? null;
  const found = list(server.checks).find((check) => !check.up)?.last_result ?? server.why ?? null;
  return /^failed \((.+)\)$/.exec(found)?.[1] ?? found;
}

/** Whether something that is tracked costs priority at present: it is subtracted, or not added. */
export function costs(reason) {
  if (reason.kind === "override") return false;
  return reason.points < 0 || (reason.points === 0 && reason.value === 0 && !/not subtracted$/.test(reason.words ?? ""));
}

function instanceTone(instance) {
  if (instance.split_brain || instance.state === "FAULT") return "bad";
  if (instance.state !== "MASTER" && instance.state !== "BACKUP") return "warn";
  if (list(instance.reasons).some(costs)) return "warn";
  return "ok";
}

/** Names that are given twice get a number, so that each thing on the page has an id of its own. */
function unique(ids, id) {
  let found = id;
  for (let n = 2; ids.has(found); n += 1) found = `${id}#${n}`;
  ids.add(found);
  return found;
}

function serviceOf(raw, ids, overridesOf, owners) {
  const id = unique(ids, String(raw.id));
  const servers = list(raw.real_servers).map((server) => {
    const overrides = overridesOf("real_server", server.id);
    const state = serverState(server, overrides);
    const tone = server.inhibited && state === "out" ? "bad" : SERVER_STATES[state].tone;
    return {
      ...server,
      kind: "server",
      target: server.id,
      id: unique(ids, String(server.id)),
      service: id,
      title: endpoint(server.address, server.port),
      checks: list(server.checks),
      reason: reasonOf(server),
      overrides,
      state,
      tone,
    };
  });
  const counts = Object.fromEntries(Object.keys(SERVER_STATES).map((state) => [state, 0]));
  for (const server of servers) counts[server.state] += 1;
  const place = raw.fwmark ? `firewall mark ${raw.fwmark}` : endpoint(raw.address, raw.port);
  const plain = !raw.name || (raw.address && raw.name.includes(raw.address)) || raw.name.includes(`${raw.fwmark}`);
  const sorry = raw.sorry_server ?? null;
  let tone = "ok";
  if (raw.quorum_up === false) tone = counts.checking && !counts.down ? "off" : "bad";
  else if (counts.down || counts.out) tone = "warn";
  return {
    ...raw,
    kind: "service",
    target: raw.id,
    id,
    title: plain ? place : raw.name,
    place,
    protocol: raw.protocol?.toUpperCase() ?? null,
    servers,
    counts,
    sorry: sorry && { ...sorry, id: unique(ids, `${id}/sorry`), title: endpoint(sorry.address, sorry.port) },
    overrides: overridesOf("virtual_server", raw.id),
    owner: owners.get(raw.address) ?? null,
    tone,
  };
}

/** @param {string} address with or without a prefix's length */
const bare = (address) => String(address).split("/")[0];

/**
 * @param {object} doc a status document, of which any part may be null
 * @returns {object} directors, instances, groups, services (each with an id, a title and a tone), and `byId`
 */
export function model(doc) {
  const daemon = doc.daemon ?? {};
  const overrides = list(doc.overrides);
  const steered = grouped(overrides);
  const overridesOf = (kind, target) => steered.get(`${kind} ${target}`) ?? [];
  const ids = new Set();

  const groups = list(doc.vrrp?.groups);
  const instances = list(doc.vrrp?.instances).map((raw) => ({
    ...raw,
    kind: "instance",
    target: raw.name,
    id: unique(ids, `instance/${raw.name}`),
    title: raw.name,
    addresses: list(raw.addresses),
    reasons: list(raw.reasons),
    faults: list(raw.faults),
    overrides: [...overridesOf("instance", raw.name), ...overridesOf("group", raw.group)],
    tone: instanceTone(raw),
  }));
  const owners = new Map();
  for (const instance of instances) {
    for (const each of instance.addresses) if (!owners.has(bare(each.address))) owners.set(bare(each.address), instance.id);
  }
  const services = list(doc.checkers?.virtual_servers).map((raw) => serviceOf(raw, ids, overridesOf, owners));
  const directors = directorsOf(daemon, instances);
  const byId = new Map();
  for (const each of [...directors, ...instances]) byId.set(each.id, each);
  for (const service of services) {
    byId.set(service.id, service);
    for (const server of service.servers) byId.set(server.id, server);
  }
  // Of several that the daemon calls alike, the first.
  const things = new Map();
  for (const each of byId.values()) if (each.target !== undefined && !things.has(each.target)) things.set(each.target, each);
  return { daemon, directors, instances, groups, services, overrides, byId, byTarget: things, dataPlane: doc.checkers?.data_plane ?? null,
    trackers: list(doc.vrrp?.trackers), sessions: list(doc.bfd?.sessions) };
}

/**
 * A document in which a role that has died, or does not answer, stands as it was when it last told its state: the daemon's
 * warnings say so, and that is better than a picture with a hole.
 */
export function withLastKnown(doc, last) {
  const roles = new Set(list(doc.daemon?.roles).map((role) => role.name));
  const found = { ...doc };
  for (const part of ["vrrp", "checkers", "bfd"]) {
    if (!found[part] && last?.[part] && roles.has(part)) found[part] = last[part];
  }
  return found;
}

/** Overrides by what they are for: an instance and a sync group may have one name. */
function grouped(overrides) {
  const found = new Map();
  for (const each of overrides) {
    const key = `${each.kind} ${each.target}`;
    if (found.has(key)) found.get(key).push(each);
    else found.set(key, [each]);
  }
  return found;
}

/** This host, and every master that it hears: that is all that a director knows of others. */
function directorsOf(daemon, instances) {
  const here = {
    id: "director/here", kind: "director", here: true, title: daemon.host || "this host",
    masters: instances.filter((each) => each.state === "MASTER").map((each) => each.id),
    tone: instances.some((each) => each.tone === "bad") ? "bad" : "ok",
  };
  const others = new Map();
  for (const instance of instances) {
    const address = instance.master?.address;
    if (!address || instance.state === "MASTER") continue;
    if (!others.has(address)) {
      others.set(address, { id: `director/${address}`, kind: "director", here: false, title: address, masters: [], tone: "ok" });
    }
    others.get(address).masters.push(instance.id);
  }
  return [here, ...others.values()];
}
