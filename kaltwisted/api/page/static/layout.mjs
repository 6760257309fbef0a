/**
 * Where everything in the picture is: boxes and the lines between them, in pixels.
 *
 * Wide, there is a column each for directors, virtual routers, virtual servers and pools. Narrow, it is a
 * tree, each level a step further in. Columns of which there is nothing are left out.
 */
import { folded } from "./filter.mjs";

export const WIDE = 760;
export const ROW = 28;
const GAP = 14;
const DOT = 12;
/** More servers than this are told as a bar, not as dots. */
export const DOTS = 120;

const instanceHeight = (instance) => 58 + 17 * Math.min(instance.addresses.length, 4) + (instance.addresses.length > 4 ? 17 : 0);
const SERVICE = 58;
const DIRECTOR = 58;

/** How many dots fit beside each other in a pool of this width. */
export const dotsAcross = (width) => Math.max(1, Math.floor((width - 20) / DOT));

function poolHead(isFolded, servers, width) {
  if (!isFolded || !servers.length) return 30;
  return 30 + (servers.length > DOTS ? 18 : Math.ceil(servers.length / dotsAcross(width)) * DOT + 6);
}

/** The columns' x and width. */
function columns(width, has) {
  const gap = Math.round(Math.min(56, Math.max(28, width * 0.038)));
  const shares = { director: has.instances ? 0.13 : 0, instance: has.instances ? 0.19 : 0, service: has.services ? 0.235 : 0 };
  const least = { director: 112, instance: 150, service: 180 };
  const most = { director: 170, instance: 230, service: 270 };
  const found = {};
  let x = 0;
  for (const [column, share] of Object.entries(shares)) {
    if (!share) continue;
    const w = Math.round(Math.max(least[column], Math.min(most[column], width * share)));
    found[column] = { x, w };
    x += w + gap;
  }
  found.pool = { x, w: Math.max(220, Math.min(560, width - x)) };
  return found;
}

/** The columns of the tree, of which each is a step further in. */
function steps(width, has) {
  const service = has.instances ? 14 : 0;
  return {
    director: { x: 0, w: width },
    instance: { x: 0, w: width },
    service: { x: service, w: width - service },
    pool: { x: service + 14, w: width - service - 14 },
  };
}

/**
 * @param {object} shown the model
 * @param {{service: object, servers: object[]}[]} rows what passed the filter
 * @param {{width: number, chosen: Map<string, boolean>, filtered: boolean}} view
 * @returns {{wide: boolean, width: number, height: number, nodes: object[], links: object[], byId: Map}}
 *   a node is `{id, kind, x, y, w, h, of}`; one with a `span` moves along within it, see `place`
 */
export function layout(shown, rows, { width, chosen, filtered }) {
  const wide = width >= WIDE;
  const has = { instances: shown.instances.length > 0, services: rows.length > 0 };
  const column = wide ? columns(width, has) : steps(width, has);
  const total = rows.reduce((sum, row) => sum + row.servers.length, 0);
  const nodes = [];
  const links = [];
  const add = (kind, id, where, y, h, of, more) => {
    const node = { kind, id, x: where.x, y, w: where.w, h, of, ...more };
    nodes.push(node);
    return node;
  };

  let y = 0;
  if (!wide && has.instances) {
    const across = Math.max(1, Math.floor(width / 160));
    const w = Math.floor((width - GAP * (across - 1)) / across);
    shown.directors.forEach((director, index) => {
      add("director", director.id, { x: (index % across) * (w + GAP), w }, Math.floor(index / across) * (DIRECTOR + GAP), DIRECTOR, director);
    });
    y = Math.ceil(shown.directors.length / across) * (DIRECTOR + GAP);
  }

  const pool = (row, top) => {
    const { service, servers } = row;
    const isFolded = folded(service, chosen, total);
    const head = poolHead(isFolded, servers, column.pool.w);
    const sorry = service.sorry && (!isFolded || service.sorry.in_use);
    const lines = (isFolded ? 0 : servers.length) + (sorry ? 1 : 0);
    const h = head + lines * ROW + (lines ? 4 : 0);
    const id = `${service.id} pool`;
    add("pool", id, column.pool, top, h, service, { head, folded: isFolded, servers });
    // Each server that is seen and takes clients has a line of its own.
    if (isFolded || !wide || !service.counts.up) links.push({ from: service.id, to: id, tone: service.tone, at: 15, weight: service.counts.up ? 2 : 1 });
    let line = top + head;
    const inside = { x: column.pool.x, w: column.pool.w };
    if (!isFolded) {
      const most = Math.max(...servers.map((each) => each.effective_weight ?? 0), 1);
      for (const server of servers) {
        add("server", server.id, inside, line, ROW, server);
        if (wide && server.state === "up") links.push({ from: service.id, to: server.id, tone: "ok", weight: 1 + (2 * (server.effective_weight ?? 0)) / most });
        line += ROW;
      }
    }
    if (sorry) {
      add("sorry", service.sorry.id, inside, line, ROW, service.sorry);
      if (service.sorry.in_use && wide) links.push({ from: service.id, to: service.sorry.id, tone: "bad", weight: 2 });
    }
    return h;
  };
  const block = (row) => {
    if (wide) {
      const node = add("service", row.service.id, column.service, y, SERVICE, row.service);
      const bottom = y + Math.max(SERVICE, pool(row, y));
      node.span = [y, bottom];
      y = bottom + GAP;
    } else {
      add("service", row.service.id, column.service, y, SERVICE, row.service);
      y += SERVICE + 6;
      y += pool(row, y) + GAP;
    }
  };

  const byOwner = new Map();
  for (const row of rows) {
    const owner = row.service.owner;
    if (byOwner.has(owner)) byOwner.get(owner).push(row);
    else byOwner.set(owner, [row]);
  }
  for (const instance of shown.instances) {
    const mine = byOwner.get(instance.id) ?? [];
    if (filtered && !mine.length) continue;
    const top = y;
    const h = instanceHeight(instance);
    const node = add("instance", instance.id, column.instance, top, h, instance);
    if (!wide) y += h + GAP;
    for (const row of mine) {
      links.push({ from: instance.id, to: row.service.id, tone: instance.state === "MASTER" ? "ok" : "off", weight: 1.5 });
      block(row);
    }
    if (wide) {
      y = Math.max(y, top + h + GAP);
      node.span = [top, y - GAP];
    }
  }
  for (const row of byOwner.get(null) ?? []) block(row);

  let height = Math.max(0, y - GAP);
  if (wide && has.instances) {
    const tall = shown.directors.length * (DIRECTOR + GAP) - GAP;
    height = Math.max(height, tall);
    // In front of all others, for who reads the picture from its beginning.
    nodes.unshift(...shown.directors.map((director, index) => {
      const top = index * (DIRECTOR + GAP);
      const span = [top, height - (tall - top - DIRECTOR)];
      return { kind: "director", id: director.id, ...column.director, y: top, h: DIRECTOR, of: director, span, below: top };
    }));
    for (const director of shown.directors) {
      for (const id of director.masters) links.push({ from: director.id, to: id, tone: director.here ? "ok" : "off", weight: 2 });
    }
  }
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return { wide, width, height, nodes, links: links.filter((each) => byId.has(each.from) && byId.has(each.to)), byId };
}

/** A node's y, where the part of the picture that is seen begins at `top`: it stays in sight within its span. */
export function place(node, top) {
  if (!node.span) return node.y;
  const [from, to] = node.span;
  return Math.max(from, Math.min(top + (node.below ?? 0), to - node.h));
}

/**
 * What there is to draw between two heights.
 * @returns {{nodes: object[], links: object[]}} nodes with their y as they stand now, links with a path
 */
export function seen(plan, top, bottom) {
  const at = new Map();
  const nodes = [];
  for (const node of plan.nodes) {
    const y = place(node, top);
    if (y + node.h < top || y > bottom) continue;
    nodes.push({ ...node, y });
    at.set(node.id, y);
  }
  const links = [];
  for (const link of plan.links) {
    if (!at.has(link.to)) continue;
    const from = plan.byId.get(link.from);
    const to = plan.byId.get(link.to);
    const start = at.get(link.from) ?? place(from, top);
    links.push({ ...link, id: `${link.from} → ${link.to}`, d: plan.wide ? curve(from, start, to, at.get(link.to), link.at) : elbow(from, start, to, at.get(link.to), link.at) });
  }
  return { nodes, links };
}

const middle = (node, y, at) => y + (at ?? Math.min(node.h / 2, 29));

function curve(from, fromY, to, toY, at) {
  const x = from.x + from.w;
  const y = middle(from, fromY);
  const bend = (to.x - x) / 2;
  const end = middle(to, toY, at);
  return `M${x} ${y}C${x + bend} ${y} ${to.x - bend} ${end} ${to.x} ${end}`;
}

function elbow(from, fromY, to, toY, at) {
  const x = from.x + 6;
  const end = middle(to, toY, at);
  return `M${x} ${fromY + from.h}V${end}H${to.x}`;
}

const ORDER = ["director", "instance", "service", "pool", "server", "sorry"];
const COLUMN = { director: 0, instance: 1, service: 2, pool: 3, server: 3, sorry: 3 };

/**
 * Where an arrow key leads.
 * @param {"ArrowUp"|"ArrowDown"|"ArrowLeft"|"ArrowRight"|"Home"|"End"} key
 * @returns {string|null} the id of a node
 */
export function neighbour(plan, id, key) {
  const node = plan.byId.get(id);
  if (!node) return plan.nodes[0]?.id ?? null;
  const inOrder = [...plan.nodes].filter((each) => each.kind !== "sorry");
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const by = key === "ArrowRight" ? 1 : -1;
    let best = null;
    for (const other of inOrder) {
      const step = (COLUMN[other.kind] - COLUMN[node.kind]) * by;
      if (step <= 0) continue;
      const linked = plan.links.some((link) => (by > 0 ? link.from === id && link.to === other.id : link.to === id && link.from === other.id));
      const score = step * 1e7 + (linked ? 0 : 1e6) + Math.abs(other.y - node.y);
      if (!best || score < best.score) best = { score, id: other.id };
    }
    return best?.id ?? null;
  }
  const same = inOrder.filter((each) => COLUMN[each.kind] === COLUMN[node.kind]).sort((a, b) => a.y - b.y || ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  if (key === "Home") return same[0].id;
  if (key === "End") return same[same.length - 1].id;
  const at = same.findIndex((each) => each.id === id);
  return same[at + (key === "ArrowDown" ? 1 : -1)]?.id ?? null;
}
