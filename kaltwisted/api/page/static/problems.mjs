/** What is wrong, in sentences, worst first: what somebody who was woken wants to read. */
import { count } from "./format.mjs";
import { costs, SERVER_STATES } from "./model.mjs";

const NAMED = 3;

function ofInstance(instance) {
  const found = [];
  if (instance.split_brain) found.push(["bad", `${instance.title}: ${instance.split_brain}`]);
  if (instance.state === "FAULT") {
    found.push(["bad", `${instance.title} is in FAULT${instance.faults.length ? `: ${instance.faults.join(", ")}` : ""}`]);
  } else if (instance.tone === "warn") {
    const lost = instance.reasons.filter(costs);
    if (lost.length) {
      const why = lost.map((each) => each.words || `${each.kind} ${each.name}`).join(", ");
      found.push(["warn", `${instance.title} has priority ${instance.priority}: ${why}`]);
    } else found.push(["warn", `${instance.title} is in state ${instance.state}`]);
  }
  return found.map(([tone, words]) => ({ tone, words, id: instance.id, since: instance.since }));
}

function ofService(service) {
  const gone = service.servers.filter((each) => each.state === "down" || each.state === "out");
  const named = gone.slice(0, NAMED).map((each) => (each.reason ? `${each.title} (${each.reason})` : each.title));
  if (gone.length > NAMED) named.push(`${gone.length - NAMED} more`);
  const since = Math.max(...gone.map((each) => each.since ?? 0), 0) || service.since;
  if (service.quorum_up === false && service.tone === "bad") {
    const instead = service.sorry?.in_use ? `clients get the sorry server ${service.sorry.title}` : "clients get no answer";
    const who = gone.length ? `; out: ${named.join(", ")}` : "";
    return [{ tone: "bad", words: `${service.title} has no quorum: ${instead}${who}`, id: service.id, since: service.since }];
  }
  if (!gone.length) return [];
  const all = count(service.servers.length, "server");
  return [{ tone: "warn", words: `${service.title}: ${gone.length} of ${all} out: ${named.join(", ")}`, since,
    id: gone.length === 1 ? gone[0].id : service.id }];
}

/** The daemon's own warnings; what is said of a role that is dead is more than one. */
function ofDaemon(daemon) {
  const dead = (daemon.roles ?? []).filter((role) => role.state === "dead");
  return (daemon.warnings ?? []).map((words) => ({
    tone: dead.some((role) => String(words).startsWith(`${role.name} `)) ? "bad" : "warn", words: String(words), id: null, since: null,
  }));
}

/** @returns {{tone: string, words: string, id: string|null, since: number|null}[]} */
export function problems(shown) {
  const found = [
    ...ofDaemon(shown.daemon),
    ...shown.instances.flatMap(ofInstance),
    ...shown.services.flatMap(ofService),
    ...shown.sessions.filter((each) => each.state === "Down" || each.state === "down").map((each) => ({
      tone: "warn", words: `BFD session ${each.name} is down${each.diagnostic ? `: ${each.diagnostic}` : ""}`, id: null, since: each.since })),
  ];
  const rank = { bad: 0, warn: 1 };
  return found.sort((a, b) => rank[a.tone] - rank[b.tone] || (b.since ?? 0) - (a.since ?? 0));
}

/** One line for the title and the head of the page. */
export function verdict(shown, found) {
  const bad = found.filter((each) => each.tone === "bad").length;
  const rest = found.length - bad;
  const more = rest ? `, ${rest} more to look at` : "";
  if (bad) return { tone: "bad", words: `${bad === 1 ? "1 thing is broken" : `${bad} things are broken`}${more}` };
  if (found.length) return { tone: "warn", words: `${count(found.length, "thing")} to look at` };
  const servers = shown.services.reduce((sum, each) => sum + each.servers.length, 0);
  const parts = [];
  if (shown.instances.length) parts.push(`master of ${shown.directors[0].masters.length} of ${count(shown.instances.length, "virtual router")}`);
  if (shown.services.length) parts.push(`${count(servers, "server")} behind ${count(shown.services.length, "virtual server")}`);
  return { tone: "ok", words: "All is well", more: parts.join(", ") };
}

/** "47 in the pool, 2 down, 1 drained". */
export function tally(counts) {
  return Object.entries(SERVER_STATES).filter(([state]) => counts[state]).map(([state, { word }]) => `${counts[state]} ${word}`).join(", ");
}
