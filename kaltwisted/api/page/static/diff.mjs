/** What is different between what was shown and what is: to be marked, and to be said aloud. */
import { SERVER_STATES } from "./model.mjs";

const TOLD = 3;

/**
 * @param {object|null} before a model, or null for the first
 * @param {object} after
 * @returns {{id: string, words: string, tone: string}[]}
 */
export function changes(before, after) {
  if (!before) return [];
  const found = [];
  for (const [id, now] of after.byId) {
    const was = before.byId.get(id);
    if (!was) continue;
    if (now.kind === "instance" && was.state !== now.state) found.push({ id, tone: now.tone, words: `${now.title} is ${now.state}` });
    if (now.kind === "service" && was.quorum_up !== now.quorum_up) {
      found.push({ id, tone: now.tone, words: `${now.title} ${now.quorum_up ? "has quorum again" : "has lost quorum"}` });
    }
    if (now.kind === "server" && was.state !== now.state) {
      const why = now.state === "down" && now.reason ? `: ${now.reason}` : "";
      found.push({ id, tone: now.tone, words: `${now.title} of ${after.byId.get(now.service).title} is ${SERVER_STATES[now.state].word}${why}` });
    }
  }
  return found;
}

/** For a screen reader: the first changes, and how many more there are. */
export function announcement(found) {
  const told = found.slice(0, TOLD).map((each) => each.words);
  if (found.length > TOLD) told.push(`and ${found.length - TOLD} more changes`);
  return told.join(". ");
}
