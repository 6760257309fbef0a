/**
 * What is in a box of the picture, as plain parts: texts, glyphs, pills and lines with their places.
 * Whoever draws them needs to know nothing of what they mean.
 */
import { age, fit, latency } from "./format.mjs";
import { keyOf } from "./latencies.mjs";
import { DOTS, dotsAcross, ROW } from "./layout.mjs";
import { SERVER_STATES } from "./model.mjs";
import { tally } from "./problems.mjs";

/**
 * A glyph tells a state by its form, so that colour is not needed.
 * @returns {{d: string, filled: boolean}}
 */
export function glyph(state, x, y, r) {
  const n = (number) => Math.round(number * 100) / 100;
  const ring = (radius) => `M${n(x - radius)} ${n(y)}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;
  const c = r * 0.75;
  switch (state) {
    case "up": case "ok": return { d: ring(r), filled: true };
    case "down": case "bad": return { d: `M${n(x - c)} ${n(y - c)}l${2 * c} ${2 * c}M${n(x + c)} ${n(y - c)}l${-2 * c} ${2 * c}`, filled: false };
    case "out": case "warn": return { d: `M${n(x)} ${n(y - r)}l${r} ${n(1.8 * r)}h${-2 * r}z`, filled: true };
    case "disabled": return { d: `${ring(r * 0.85)}M${n(x - c * 0.8)} ${n(y + c * 0.8)}l${n(1.6 * c)} ${n(-1.6 * c)}`, filled: false };
    case "drained": return { d: `${ring(r * 0.85)}M${n(x - c)} ${n(y)}h${2 * c}`, filled: false };
    default: return { d: ring(r * 0.85), filled: false };
  }
}

const WORDS_OF = { drain: "drained by hand", disable: "disabled by hand", pause: "checks paused", yield: "yields", prefer: "preferred", weight: "weight by hand" };

/** Words for overrides in force, such as "drained by hand, checks paused". */
export function steered(overrides) {
  return overrides.map((each) => WORDS_OF[each.action] ?? each.action).join(", ");
}

function director(node, now, measure) {
  const { here, title, masters, tone } = node.of;
  const sub = here ? "this director" : "another director";
  const short = masters.length ? `master of ${masters.length}` : sub;
  const long = here && masters.length ? `this one, ${short}` : short;
  return {
    tone,
    name: "Director",
    more: [sub],
    parts: [
      { type: "text", x: 14, y: 24, cls: "title", text: title, width: node.w - 24 },
      { type: "text", x: 14, y: 43, cls: "small", text: measure(long, "small") <= node.w - 24 ? long : short, width: node.w - 24 },
    ],
  };
}

function instance(node, now, measure) {
  const it = node.of;
  const lowered = it.priority < it.base_priority;
  const by = steered(it.overrides);
  const state = it.split_brain ? "SPLIT" : it.state;
  const pill = measure(state, "pill") + 16;
  const tone = it.tone === "ok" && it.state === "BACKUP" ? "off" : it.tone;
  const priority = lowered ? `priority ${it.priority}, not ${it.base_priority}` : `priority ${it.priority ?? "–"}`;
  const short = `${age(it.since, now)} · ${priority}`;
  const long = it.group ? `${short} · group ${it.group}` : short;
  const room = node.w - 24;
  const parts = [
    { type: "text", x: 14, y: 24, cls: "title", text: it.title, width: node.w - pill - 32 },
    { type: "pill", x: node.w - pill - 10, y: 10, w: pill, text: state, tone },
    { type: "text", x: 14, y: 43, cls: "small", text: by || (measure(long, "small") <= room ? long : short), width: room, tone: by ? "accent" : undefined },
  ];
  it.addresses.slice(0, 4).forEach((address, index) => {
    const y = 64 + 17 * index;
    parts.push({ type: "glyph", x: 19, y: y - 4.5, r: 3.5, state: address.set ? "up" : "away", tone: address.set ? "ok" : "off" });
    parts.push({ type: "text", x: 30, y, cls: "mono", text: String(address.address), width: node.w - 40 });
  });
  if (it.addresses.length > 4) parts.push({ type: "text", x: 30, y: 64 + 68, cls: "small", text: `and ${it.addresses.length - 4} more`, width: node.w - 40 });
  const held = it.addresses.filter((each) => each.set).map((each) => each.address);
  return {
    tone: it.tone,
    name: "Virtual router",
    more: [by && priority, it.group && `group ${it.group}`, held.length ? `holds ${held.join(", ")}` : "holds no address here"],
    parts,
  };
}

function service(node, now, measure) {
  const it = node.of;
  const all = it.servers.length;
  const ratio = `${it.counts.up}/${all}`;
  const wide = measure(ratio, "number");
  const by = steered(it.overrides);
  const sub = it.quorum_up === false && it.tone === "bad" ? "no quorum" : [it.protocol, it.scheduler, it.forwarding].filter(Boolean).join(" · ");
  return {
    tone: it.tone,
    name: "Virtual server",
    more: [`${it.counts.up} of ${all} servers take clients`, by && it.tone === "bad" && "no quorum"],
    parts: [
      { type: "text", x: 14, y: 24, cls: "title", text: it.title, width: node.w - 26 },
      { type: "text", x: 14, y: 44, cls: "small", text: by || sub, width: node.w - wide - 34, tone: by ? "accent" : it.tone === "bad" ? "bad" : undefined },
      { type: "text", x: node.w - 12, y: 45, cls: "number", anchor: "end", text: ratio, tone: it.tone === "ok" ? undefined : it.tone },
    ],
  };
}

function pool(node) {
  const { of: it, servers } = node;
  const words = servers.length === it.servers.length ? tally(it.counts) || "no servers" : `${servers.length} of ${it.servers.length} shown`;
  const parts = [
    { type: "fold", x: 14, y: 15, open: !node.folded },
    { type: "text", x: 26, y: 19, cls: "small", text: words, width: node.w - 36 },
  ];
  if (node.folded && servers.length > DOTS) parts.push(bar(it.counts, servers.length, 10, 30, node.w - 20));
  else if (node.folded) parts.push(...dots(servers, 16, 36, dotsAcross(node.w)));
  return { tone: "ok", name: `Servers of ${it.title}`, more: [], parts, expanded: !node.folded };
}

function dots(servers, x, y, across) {
  const byState = new Map();
  servers.forEach((server, index) => {
    const { d, filled } = glyph(server.state, x + (index % across) * 12, y + Math.floor(index / across) * 12, 4);
    const found = byState.get(server.state) ?? { type: "path", d: "", filled, tone: SERVER_STATES[server.state].tone };
    found.d += d;
    byState.set(server.state, found);
  });
  return [...byState.values()];
}

function bar(counts, all, x, y, width) {
  const pieces = [];
  let at = x;
  for (const [state, { tone }] of Object.entries(SERVER_STATES)) {
    if (!counts[state]) continue;
    const w = Math.max(3, (counts[state] / all) * width);
    pieces.push({ x: at, w, tone });
    at += w;
  }
  return { type: "bar", y, pieces };
}

function server(node, now, measure, latencies) {
  const it = node.of;
  const middle = ROW / 2;
  const { tone, word } = SERVER_STATES[it.state];
  const by = steered(it.overrides);
  const parts = [{ type: "glyph", x: 18, y: middle, r: 5, state: it.state, tone }];
  const timed = it.checks.findIndex((check) => Number.isFinite(check.latency_ms));
  let right = node.w - 10;
  let told = "";
  // What stands first is said first. The name comes first; what room it leaves is for the rest, in the order in which one wants to know it.
  const title = fit(it.title, node.w - 32 - 70, (text) => measure(text, "mono"));
  const start = 32 + measure(title, "mono") + 12;
  parts.push({ type: "text", x: 32, y: middle + 4, cls: "mono", text: title });
  if (it.state !== "up" || by) {
    const failed = it.state === "down" || it.state === "out";
    const since = by && !failed ? Math.max(...it.overrides.map((each) => each.at ?? 0)) : it.since;
    told = [by, failed ? it.reason || word : by ? null : word, since ? age(since, now) : null].filter(Boolean).join(" · ");
    parts.push({ type: "text", x: right, y: middle + 4, cls: "small", anchor: "end", text: told, width: right - start, tone: by && it.state !== "down" ? "accent" : tone === "off" ? undefined : tone });
  } else {
    if (timed >= 0) {
      told = latency(it.checks[timed].latency_ms);
      parts.push({ type: "text", x: right, y: middle + 4, cls: "small", anchor: "end", text: told });
      right -= 58;
      const room = right - start;
      if (room > 40) {
        const w = Math.min(100, room > 110 ? room - 50 : room);
        const values = latencies.get(keyOf(it, timed))?.values ?? [];
        if (values.length > 1) parts.push({ type: "spark", x: right - w, y: middle - 8, w, h: 16, values });
        right -= w + 10;
      }
    }
    if (right - start > 34) {
      parts.push({ type: "text", x: right, y: middle + 4, cls: "small", anchor: "end", text: `w ${it.effective_weight ?? it.weight ?? "–"}` });
    }
  }
  return { tone, name: "Server", more: told.startsWith(word) ? [] : [word], parts };
}

function sorry(node) {
  const it = node.of;
  return {
    tone: it.in_use ? "bad" : "off",
    name: "Server",
    more: it.in_use ? [] : ["not needed"],
    parts: [
      { type: "glyph", x: 18, y: ROW / 2, r: 5, state: it.in_use ? "out" : "away", tone: it.in_use ? "bad" : "off" },
      { type: "text", x: 32, y: ROW / 2 + 4, cls: "mono", text: it.title, width: node.w - 160 },
      { type: "text", x: node.w - 10, y: ROW / 2 + 4, cls: "small", anchor: "end", text: it.in_use ? "sorry server takes clients" : "sorry server", tone: it.in_use ? "bad" : undefined },
    ],
  };
}

const MAKE = { director, instance, service, pool, server, sorry };

/**
 * What a screen reader says of a card has all of its texts as they stand there, so that who says aloud what he
 * sees means the same thing; what was cut, and what only a form or a place tells, comes behind.
 *
 * @param {object} node of the layout
 * @param {number} now seconds since 1970
 * @param {(text: string, cls: string) => number} measure
 * @param {Map} latencies as `remember` keeps them
 * @returns {{tone: string, label: string, parts: object[], expanded?: boolean}} texts are cut to their places
 */
export function card(node, now, measure, latencies) {
  const { tone, name, more, parts, expanded } = MAKE[node.kind](node, now, measure, latencies);
  const cut = [];
  for (const part of parts) {
    if (part.width === undefined) continue;
    const whole = part.text;
    part.text = fit(whole, part.width, (text) => measure(text, part.cls));
    if (part.text !== whole) cut.push(whole);
  }
  const texts = parts.filter((part) => part.text !== undefined).map((part) => part.text);
  return { tone, label: `${name}: ${[...texts, ...cut, ...more].filter(Boolean).join(", ")}`, parts, expanded };
}
