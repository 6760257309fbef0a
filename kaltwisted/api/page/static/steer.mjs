/** What somebody may do to a thing, what will follow, and the request that does it. */
import { count, latency } from "./format.mjs";

/** Checks may wait for a server that does not answer. */
const CHECKS_S = 120;

/** Giving back is an action, too: enable, unweight, resume, release. */
const put = (target, action, value) => ({ method: "PUT", path: "api/v1/overrides", body: value === undefined ? { target, action } : { target, action, value } });

/** What an override does: "drain", "weight 3". */
export const doing = ({ action, value }) => [action, value].filter((part) => part !== null && part !== undefined).join(" ");

/** What becomes of a pool that loses this server for new clients. */
export function withoutServer(server, service) {
  const left = service.servers.filter((each) => each.id !== server.id && each.state === "up").length;
  if (server.state !== "up") return { words: `It takes no clients now; ${count(left, "server")} of ${service.title} do.`, last: false };
  if (left) return { words: `New clients go to the ${left === 1 ? "one server" : `${left} servers`} left of ${service.title}.`, last: false };
  const instead = service.sorry ? `the sorry server ${service.sorry.title}` : "no answer";
  return { words: `It is the last server of ${service.title}: clients get ${instead} then.`, last: true };
}

function ofServer(server, service) {
  const has = (action) => server.overrides.some((each) => each.action === action);
  const gone = withoutServer(server, service);
  const found = [];
  if (has("drain") || has("disable")) {
    found.push({ id: "enable", label: "Enable", words: "It is in the pool again as its checks say.", request: () => put(server.target, "enable") });
  }
  if (!has("drain")) {
    found.push({ id: "drain", label: "Drain", danger: gone.last, words: `Connections live on. ${gone.words}`, request: () => put(server.target, "drain") });
  }
  if (!has("disable")) {
    found.push({ id: "disable", label: "Disable", danger: true, words: `It leaves the table at once, connections break. ${gone.words}`, request: () => put(server.target, "disable") });
  }
  const weight = server.overrides.find((each) => each.action === "weight");
  found.push({
    id: "weight", label: "Weight…", words: `Its share of new clients; ${server.weight} is configured.`,
    field: { label: "Weight", type: "number", min: 0, max: 65535, value: weight?.value ?? server.effective_weight ?? server.weight ?? 1 },
    request: (value) => put(server.target, "weight", Number(value)),
  });
  if (weight) found.push({ id: "unweight", label: "Weight as configured", words: `Its weight is ${server.weight} again.`, request: () => put(server.target, "unweight") });
  found.push(...pausing(server.target, has("pause"), "its checks"));
  if (server.checks.length) {
    found.push({
      id: "run", label: "Check now", direct: true, words: "All its checks run at once.", told: whatRan,
      request: () => ({ method: "POST", path: "api/v1/checks/run", body: { target: server.target }, within: CHECKS_S }),
    });
  }
  return found;
}

/** What checks found that were run by hand. */
function whatRan({ checks }) {
  return checks.map((each) => `${each.kind} ${each.result}${Number.isFinite(each.latency_ms) ? ` after ${latency(each.latency_ms)}` : ""}`).join("; ");
}

function pausing(target, paused, what) {
  return paused
    ? [{ id: "unpause", label: "Resume checks", words: `All of ${what} run again.`, request: () => put(target, "resume") }]
    : [{ id: "pause", label: "Pause checks", words: `None of ${what} run, and states stay as they are.`, request: () => put(target, "pause") }];
}

function ofInstance(instance) {
  const own = (action) => instance.overrides.find((each) => each.action === action);
  const force = own("yield") ?? own("prefer");
  // By its kind, too: both may have one name.
  const target = instance.group ? `group/${instance.group}` : `instance/${instance.target}`;
  const all = instance.group ? `All of group ${instance.group}` : "It";
  const verb = instance.group ? ["become", "take over"] : ["becomes", "takes over"];
  const found = [];
  if (force) {
    found.push({ id: "give-back", label: "Give back", words: `${all} ${instance.group ? "follow" : "follows"} the configured priority again.`, request: () => put(`${force.kind}/${force.target}`, "release") });
  }
  if (force?.action !== "yield") {
    const here = instance.state === "MASTER" ? " Its addresses go to another director, if there is one." : "";
    found.push({ id: "yield", label: "Yield", danger: instance.state === "MASTER", words: `${all} ${verb[0]} backup with priority 1.${here}`, request: () => put(target, "yield") });
  }
  if (force?.action !== "prefer") {
    const there = instance.state === "MASTER" ? " It is master already, and stays it." : "";
    found.push({ id: "prefer", label: "Prefer", danger: instance.state !== "MASTER", words: `${all} ${verb[1]} with priority 254.${there}`, request: () => put(target, "prefer") });
  }
  return found;
}

/**
 * @param {object} it a thing of the model
 * @param {object} shown the model
 * @returns {{id: string, label: string, words: string, danger?: boolean, direct?: boolean, field?: object,
 *   told?: (answer: object) => string, request: (value?: string) => {method: string, path: string, body?: object}}[]}
 *   `direct`: is done without a question; `told`: what came of it, in words
 */
export function actions(it, shown) {
  if (it.kind === "server") return ofServer(it, shown.byId.get(it.service));
  if (it.kind === "service") return pausing(it.target, it.overrides.some((each) => each.action === "pause"), "its servers' checks");
  if (it.kind === "instance") return ofInstance(it);
  return [];
}

export const GONE = "The daemon cannot be reached.";

/** Why buttons do nothing, or null when they do. */
export function forbidden(access, reach) {
  if (reach === "unreachable" || reach === "refused") return GONE;
  if (access.role === "control") return null;
  return access.signed ? "Your token may only read." : "Only for those with a token that may control.";
}
