/** The picture: draws what the layout places, as much of it as is in sight, and lets it be walked by keys. */
import { card, glyph } from "./cards.mjs";
import { keyed, measure, set, svg } from "./dom.mjs";
import { sparkline } from "./latencies.mjs";
import { neighbour, place, seen } from "./layout.mjs";

const MARGIN = 300;

export class Picture {
  /**
   * @param {HTMLElement} box what the picture is in; scrolls with the page
   * @param {{open: (id: string) => void, fold: (serviceId: string, folded: boolean) => void}} tell
   */
  constructor(box, tell) {
    this.box = box;
    this.tell = tell;
    this.links = svg("g", { class: "links", "aria-hidden": "true" });
    this.nodes = svg("g", { class: "nodes" });
    this.root = svg("svg", { class: "picture", role: "group", "aria-labelledby": "topology-heading", "aria-describedby": "topology-help" }, this.links, this.nodes);
    box.append(this.root);
    this.keptLinks = new Map();
    this.keptNodes = new Map();
    this.plan = null;
    this.current = null;
    this.selected = null;
    this.changed = new Set();
    this.waiting = false;
    // Not on the SVG element: with such listeners it would be a stop of the Tab key itself.
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("click", (event) => {
      const node = event.target.closest("[data-id]");
      if (node) this.#press(node.dataset.id);
    });
    this.box.addEventListener("focusin", (event) => {
      const node = event.target.closest("[data-id]");
      if (node && node.dataset.id !== this.current) {
        this.current = node.dataset.id;
        this.draw();
      }
    });
    addEventListener("scroll", () => this.later(), { passive: true });
    addEventListener("resize", () => this.later(), { passive: true });
  }

  show(plan, now, latencies) {
    this.plan = plan;
    this.now = now;
    this.latencies = latencies;
    if (!plan.byId.has(this.current)) this.current = plan.nodes[0]?.id ?? null;
    this.draw();
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  /** Mark things that changed, for some seconds. */
  flash(ids) {
    for (const id of ids) this.changed.add(id);
    this.draw();
    setTimeout(() => {
      for (const id of ids) this.changed.delete(id);
      this.draw();
    }, 4000);
  }

  draw() {
    const plan = this.plan;
    if (!plan || this.box.hidden) return;
    set(this.root, "width", plan.width);
    set(this.root, "height", plan.height + 2);
    set(this.root, "viewBox", `-1 -1 ${plan.width} ${plan.height + 2}`);
    const above = -this.root.getBoundingClientRect().top;
    const head = document.querySelector("header")?.getBoundingClientRect().bottom ?? 0;
    const top = above + Math.max(0, head) + 8;
    const { nodes, links } = seen(plan, top, above + innerHeight + MARGIN);
    const focused = this.root.contains(document.activeElement);
    const current = plan.byId.get(this.current);
    if (current && !nodes.some((each) => each.id === current.id)) nodes.push({ ...current, y: place(current, top) });
    keyed(this.links, this.keptLinks, links, (each) => each.id, () => svg("path", {}), (path, link) => {
      set(path, "d", link.d);
      set(path, "class", `link tone-${link.tone}`);
      set(path, "stroke-width", link.weight);
    });
    keyed(this.nodes, this.keptNodes, nodes, (each) => each.id, (node) => this.#make(node), (group, node) => this.#update(group, node));
    if (focused && current) this.keptNodes.get(current.id)?.focus({ preventScroll: true });
  }

  #make(node) {
    const group = svg("g", { "data-id": node.id, role: node.kind === "sorry" ? "img" : "button" });
    group.append(svg("rect", { class: "box", rx: node.kind === "server" || node.kind === "sorry" ? 6 : 10 }));
    if (node.kind !== "server" && node.kind !== "sorry" && node.kind !== "pool") group.append(svg("path", { class: "stripe" }));
    group.append(svg("g", { class: "parts" }));
    return group;
  }

  #update(group, node) {
    set(group, "transform", `translate(${node.x} ${node.y})`);
    if (node.kind !== "sorry") set(group, "tabindex", node.id === this.current ? 0 : -1);
    const { tone, label, parts, expanded } = card(node, this.now, measure, this.latencies);
    const flags = `${node.id === this.selected ? " selected" : ""}${this.changed.has(node.id) ? " changed" : ""}`;
    set(group, "class", `node ${node.kind} tone-${tone}${flags}`);
    set(group, "aria-label", label);
    set(group, "aria-expanded", expanded === undefined ? null : String(expanded));
    const box = group.querySelector(".box");
    set(box, "width", node.w - 2);
    set(box, "height", node.h);
    const stripe = group.querySelector(".stripe");
    if (stripe) set(stripe, "d", `M0 ${10}a10 10 0 0 1 5-8.66V${node.h - 1.34}a10 10 0 0 1-5-8.66z`);
    const key = JSON.stringify(parts);
    if (group.shownKey !== key) {
      group.shownKey = key;
      // The space between them is for those who read it as text.
      group.querySelector(".parts").replaceChildren(...parts.flatMap((part) => [...draw(part), " "]));
    }
  }

  #press(id) {
    const node = this.plan.byId.get(id);
    if (!node) return;
    this.current = id;
    if (node.kind === "pool") this.tell.fold(node.of.id, !node.folded);
    else if (node.kind !== "sorry") this.tell.open(id);
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const id = event.target.closest("[data-id]")?.dataset.id;
    if (!id || !this.plan) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#press(id);
      return;
    }
    if (!/^(Arrow(Up|Down|Left|Right)|Home|End)$/.test(event.key)) return;
    event.preventDefault();
    const next = neighbour(this.plan, id, event.key);
    if (next) this.focus(next);
  }

  focus(id) {
    if (!this.plan?.byId.has(id)) return false;
    this.current = id;
    this.draw();
    const element = this.keptNodes.get(id);
    if (!element) return false;
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest", inline: "nearest" });
    return true;
  }
}

function draw(part) {
  const tone = part.tone ? ` tone-${part.tone}` : "";
  switch (part.type) {
    case "text":
      return [svg("text", { x: part.x, y: part.y, class: `${part.cls}${tone}`, "text-anchor": part.anchor }, part.text)];
    case "glyph": {
      const { d, filled } = glyph(part.state, part.x, part.y, part.r);
      return [svg("path", { d, class: `${filled ? "solid" : "open"}${tone}` })];
    }
    case "path":
      return [svg("path", { d: part.d, class: `${part.filled ? "solid" : "open"}${tone}` })];
    case "pill":
      return [
        svg("rect", { x: part.x, y: part.y, width: part.w, height: 20, rx: 10, class: `pill${tone}` }),
        svg("text", { x: part.x + part.w / 2, y: part.y + 14, class: `pill-text${tone}`, "text-anchor": "middle" }, part.text),
      ];
    case "fold":
      return [svg("path", { d: part.open ? "M-4-2.5h8l-4 5.5z" : "M-2.5-4v8l5.5-4z", transform: `translate(${part.x} ${part.y})`, class: "solid" })];
    case "bar":
      return part.pieces.map((piece) => svg("rect", { x: piece.x, y: part.y, width: piece.w, height: 8, rx: 2, class: `solid tone-${piece.tone}` }));
    case "spark":
      return [drawSpark(part.values, part.w, part.h, part.x, part.y)];
    default:
      return [];
  }
}

/** A sparkline as an SVG group; failed checks are marks at the bottom. */
export function drawSpark(values, width, height, x = 0, y = 0) {
  const { line, failures } = sparkline(values, width, height);
  return svg("g", { class: "spark", transform: `translate(${x} ${y})` },
    line && svg("path", { d: line, class: "line" }),
    failures.length > 0 && svg("path", { d: failures.map((each) => `M${each} ${height}v${-height / 2}`).join(""), class: "failures" }));
}
