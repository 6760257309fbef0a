import assert from "node:assert/strict";
import { test } from "node:test";
import { card, glyph } from "../../../kaltwisted/api/page/static/cards.mjs";
import { filter } from "../../../kaltwisted/api/page/static/filter.mjs";
import { layout, neighbour, place, seen } from "../../../kaltwisted/api/page/static/layout.mjs";
import { model, SERVER_STATES } from "../../../kaltwisted/api/page/static/model.mjs";
import { doc, down, instance, measure, service } from "./documents.mjs";

const site = model(doc(
  [instance("a", "MASTER", ["192.0.2.1/24", "192.0.2.2/24"]), instance("b", "BACKUP", ["192.0.2.3/24"])],
  [service("192.0.2.1", [["10.0.0.1"], ["10.0.0.2", down]]), service("192.0.2.3", [["10.0.0.3"]], { sorry_server: { address: "10.9.9.9", port: 80, in_use: false } }), service("198.51.100.1", [["10.0.0.4"]])],
));
const many = (services, servers) => model(doc([instance("a", "MASTER", ["192.0.2.1/24"])],
  Array.from({ length: services }, (_, n) => service("192.0.2.1", Array.from({ length: servers }, (__, m) => [`10.${n}.0.${m}`]), { id: `tcp/192.0.2.1:${n}` }))));
const plan = (shown, width, chosen = new Map()) => layout(shown, filter(shown), { width, chosen, filtered: false });

const WIDTHS = [280, 336, 500, 759, 760, 860, 1000, 1400];

for (const width of WIDTHS) {
  test(`at ${width} pixels nothing overlaps or is outside`, () => {
    const { nodes, height } = plan(site, width);
    for (const a of nodes) {
      assert.ok(a.x >= 0 && a.x + a.w <= width && a.w > 100 && a.y >= 0 && a.y + a.h <= height, `${a.id} ${JSON.stringify(a)}`);
      for (const b of nodes) {
        const inside = (inner, outer) => outer.kind === "pool" && (inner.kind === "server" || inner.kind === "sorry");
        if (a === b || inside(a, b) || inside(b, a)) continue;
        assert.ok(a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y, `${a.id} and ${b.id}`);
      }
    }
  });

  test(`at ${width} pixels every part of a card is within it`, () => {
    for (const node of plan(site, width).nodes) {
      const { parts, label } = card(node, 100, measure, new Map());
      assert.ok(label.length > 5);
      for (const part of parts.filter((each) => each.type === "text")) {
        const left = part.anchor === "end" ? part.x - measure(part.text) : part.x;
        assert.ok(left >= 0 && left + measure(part.text) <= node.w, `${node.id}: ${part.text}`);
      }
    }
  });
}

test("the order is that of the screen: directors first, each virtual router before what is on its addresses", () => {
  const ids = (width) => plan(site, width).nodes.map((each) => each.kind);
  const rest = ["instance", "service", "pool", "server", "server", "instance", "service", "pool", "server", "sorry", "service", "pool", "server"];
  assert.deepEqual(ids(1000), ["director", "director", ...rest]);
  assert.deepEqual(ids(336), ["director", "director", ...rest]);
});

test("what there is nothing of has no column", () => {
  const onlyServers = plan(model(doc([], [service("192.0.2.1", [["10.0.0.1"]])])), 1000);
  assert.deepEqual([onlyServers.nodes[0].kind, onlyServers.nodes[0].x], ["service", 0]);
  const onlyRouters = plan(model(doc([instance("a", "MASTER", ["192.0.2.1"])], [])), 1000);
  assert.deepEqual(onlyRouters.nodes.map((each) => each.kind), ["director", "instance"]);
  assert.deepEqual(plan(model({}), 1000).nodes, []);
});

test("a line for each server that takes clients, none for one that is down", () => {
  const { links } = plan(site, 1000);
  assert.ok(links.some((each) => each.to === "tcp/192.0.2.1:80/10.0.0.1:80"));
  assert.ok(!links.some((each) => each.to === "tcp/192.0.2.1:80/10.0.0.2:80"));
  assert.ok(links.some((each) => each.from === "director/here" && each.to === "instance/a"));
  assert.ok(links.some((each) => each.from === "director/10.0.0.2" && each.to === "instance/b"));
});

test("of ten thousand servers only what is in sight is drawn, and quickly", () => {
  const shown = many(200, 50);
  const open = new Map(shown.services.map((each) => [each.id, false]));
  const began = process.cpuUsage();
  const unfolded = plan(shown, 1000, open);
  const { user, system } = process.cpuUsage(began);
  assert.ok(unfolded.nodes.length > 10000);
  const some = seen(unfolded, 100000, 101200);
  assert.ok(some.nodes.length > 20 && some.nodes.length < 100, `${some.nodes.length} nodes`);
  assert.ok(some.links.length < 120, `${some.links.length} links`);
  assert.ok(user + system < 400_000, `${user + system} µs of CPU`);
  assert.ok(plan(shown, 1000).nodes.length < 500, "folded when nobody chose");
});

test("who owns what is in sight stays in sight", () => {
  const long = plan(many(30, 10), 1000);
  const owner = long.byId.get("instance/a");
  assert.equal(place(owner, 0), 0);
  assert.equal(place(owner, 700), 700);
  assert.ok(place(owner, 1e6) + owner.h <= long.height);
  const { nodes } = seen(long, 700, 1500);
  assert.ok(nodes.some((each) => each.id === "director/here" && each.y === 700));
  const tall = plan(many(2, 300), 1000, new Map([["tcp/192.0.2.1:0", false]]));
  assert.ok(seen(tall, 5000, 5800).nodes.some((each) => each.id === "tcp/192.0.2.1:0" && each.y === 5000), "a virtual server beside its pool");
});

test("arrow keys reach everything, and come to an end", () => {
  const wide = plan(site, 1000);
  const reached = new Set(["director/here"]);
  for (const id of reached) {
    for (const key of ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]) {
      const next = neighbour(wide, id, key);
      if (next) reached.add(next);
    }
  }
  const wanted = wide.nodes.filter((each) => each.kind !== "sorry").map((each) => each.id);
  assert.deepEqual([...reached].sort(), wanted.sort());
  assert.equal(neighbour(wide, "instance/b", "ArrowRight"), "tcp/192.0.2.3:80");
  assert.equal(neighbour(wide, "tcp/192.0.2.3:80", "ArrowLeft"), "instance/b");
  assert.equal(neighbour(wide, "instance/b", "ArrowDown"), null);
  assert.equal(neighbour(wide, "tcp/192.0.2.1:80/10.0.0.1:80", "End"), "tcp/198.51.100.1:80/10.0.0.4:80");
  assert.equal(neighbour(wide, "gone", "ArrowUp"), "director/here");
});

test("what is cut is said whole", () => {
  const name = "a-virtual-router-with-a-name-that-is-too-long-for-any-card";
  const [, node] = plan(model(doc([instance(name, "MASTER", ["192.0.2.1/24"])], [])), 1000).nodes;
  const { parts, label } = card(node, 100, measure, new Map());
  assert.ok(!parts.some((each) => each.text === name));
  assert.ok(label.includes(name));
});

test("states differ in form, not in colour alone", () => {
  const forms = Object.keys(SERVER_STATES).map((state) => JSON.stringify(glyph(state, 8, 8, 5)));
  assert.equal(new Set(forms).size, forms.length);
});

test("a pool of hundreds is a bar that is as long as the pool is wide", () => {
  const shown = many(1, 300);
  const node = plan(shown, 1000).nodes.find((each) => each.kind === "pool");
  const { pieces } = card(node, 100, measure, new Map()).parts.find((each) => each.type === "bar");
  assert.equal(Math.round(pieces.reduce((sum, each) => sum + each.w, 0)), node.w - 20);
});
