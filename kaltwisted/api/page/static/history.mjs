/** Events of the daemon, newest first, as sentences. */
import { clock } from "./format.mjs";
import { h, keyed, refresh, say } from "./dom.mjs";

export const KEPT = 1000;
const SHOWN = 100;

const KIND = {
  instance: "Virtual router", group: "Sync group", virtual_server: "Virtual server", real_server: "Server", check: "Check",
  tracker: "Tracker", bfd: "BFD", split_brain: "Split brain", role: "Process", reload: "Reload", override: "By hand",
  mismatch: "Mismatch", missed: "A gap:",
};
const GOOD = /^(up|master|running|applied|good)$/i;
const BAD = /^(down|fault|dead|refused|bad)$/i;

/** @returns {{tone: string, what: string, words: string, why: string}} */
export function sentence(event) {
  const to = String(event.to ?? "");
  let tone = "off";
  if (/^(split_brain|mismatch)$/.test(event.kind) || BAD.test(to)) tone = "bad";
  else if (GOOD.test(to)) tone = "ok";
  const from = event.from === null || event.from === undefined || event.from === "" ? "" : `${event.from} → `;
  return { tone, what: KIND[event.kind] ?? String(event.kind), words: `${from}${to}`, why: String(event.why ?? "") };
}

/** Add events to those kept, which are newest first and bounded. */
export function keep(kept, events) {
  return [...[...events].reverse(), ...kept].slice(0, KEPT);
}

/** Those that are about a name, or about all of a filter's words. */
export function about(events, { name, text = "" }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return events.filter((event) => {
    if (name !== undefined && event.name !== name && !String(event.name).startsWith(`${name}/`) && !String(event.name).startsWith(`${name} `)) return false;
    const all = `${event.name} ${event.kind} ${event.to} ${event.why ?? ""}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

/** @param {string} title how the page calls what it is about */
function fill(event, now, title) {
  const { what, words, why } = sentence(event);
  return [
    h("time", { datetime: new Date(event.at * 1000).toISOString() }, clock(event.at, now)),
    h("p", {}, h("span", { class: "what" }, what), " ", h("strong", {}, title), " ", h("span", { class: "to" }, words)),
    why && h("p", { class: "why" }, why),
  ];
}

/** @param {(name: string) => string} titleOf how the page calls a thing */
export function eventItem(event, now, titleOf) {
  const item = h("li", { class: `event tone-${sentence(event).tone}` });
  // Events may be here before the first status, which tells what things are called.
  const title = titleOf(String(event.name));
  refresh(item, title, () => fill(event, now, title));
  return item;
}

export class History {
  constructor(list, more, titleOf) {
    this.list = list;
    this.titleOf = titleOf;
    this.more = more;
    this.kept = new Map();
    this.limit = SHOWN;
    more.addEventListener("click", () => {
      this.limit += SHOWN;
      this.show(this.events, this.now, this.text);
    });
  }

  show(events, now, text) {
    this.events = events;
    this.now = now;
    this.text = text;
    const found = about(events, { text });
    keyed(this.list, this.kept, found.slice(0, this.limit), (each) => `${each.id} ${each.at}`, (each) => eventItem(each, now, this.titleOf), (item, each) => {
      const title = this.titleOf(String(each.name));
      refresh(item, title, () => fill(each, now, title));
    });
    this.more.hidden = found.length <= this.limit;
    say(this.more, `Show ${Math.min(SHOWN, found.length - this.limit)} older`);
    this.list.classList.toggle("empty", found.length === 0);
  }
}
