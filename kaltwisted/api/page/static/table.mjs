/** The picture as tables: the same things, states and doors, for who reads or listens rather than looks. */
import { age, count, latency } from "./format.mjs";
import { h, keyed, refresh } from "./dom.mjs";
import { SERVER_STATES } from "./model.mjs";
import { steered } from "./cards.mjs";

const AT_ONCE = 200;

const cell = (label, ...children) => h("td", { role: "cell", "data-label": label }, ...children);
const badge = (tone, text) => h("span", { class: `badge tone-${tone}` }, text);

export class Tables {
  /** @param {{open: (id: string) => void, fold: (serviceId: string, folded: boolean) => void}} tell */
  constructor(box, tell) {
    this.tell = tell;
    this.limit = AT_ONCE;
    // On a phone the style makes cards of rows, which would take their roles from them.
    this.instances = h("tbody", { role: "rowgroup" });
    this.services = h("tbody", { role: "rowgroup" });
    this.keptInstances = new Map();
    this.keptServices = new Map();
    const table = (caption, body, ...heads) => h("table", { role: "table" }, h("caption", {}, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads.map((head) => h("th", { role: "columnheader", scope: "col" }, head)))), body);
    this.instanceTable = table("Virtual routers", this.instances, "Name", "State", "Since", "Priority", "Master", "Addresses");
    this.serviceTable = table("Virtual servers and their servers", this.services, "Name", "State", "Since", "Weight", "Check", "Why");
    this.more = h("button", { type: "button", onclick: () => ((this.limit += AT_ONCE), this.again()) });
    box.append(this.instanceTable, this.serviceTable, this.more);
  }

  show(shown, rows, isFolded, now, host) {
    this.again = () => this.show(shown, rows, isFolded, now, host);
    this.instanceTable.hidden = !shown.instances.length;
    this.serviceTable.hidden = !shown.services.length;
    keyed(this.instances, this.keptInstances, shown.instances, (each) => each.id, () => h("tr", { role: "row" }), (row, it) => this.#instance(row, it, now, host));
    const lines = rows.flatMap((row) => {
      const closed = isFolded(row);
      return [{ key: row.service.id, row, closed }, ...(closed ? [] : row.servers.map((server) => ({ key: server.id, server })))];
    });
    keyed(this.services, this.keptServices, lines.slice(0, this.limit), (line) => line.key, () => h("tr", { role: "row" }),
      (row, line) => (line.server ? this.#server(row, line.server, now) : this.#service(row, line, now)));
    this.more.hidden = lines.length <= this.limit;
    refresh(this.more, String(lines.length - this.limit), () => `Show ${Math.min(AT_ONCE, lines.length - this.limit)} more of ${count(lines.length, "row")}`);
  }

  #door(it) {
    return h("button", { type: "button", class: "door", "data-focus": `open ${it.id}`, onclick: () => this.tell.open(it.id) }, it.title);
  }

  #instance(row, it, now, host) {
    const master = it.state === "MASTER" ? host : it.master?.address ?? "not known";
    const by = steered(it.overrides);
    const cells = [it.title, it.state, it.tone, age(it.since, now), it.priority, master, it.addresses, by];
    refresh(row, JSON.stringify(cells), () => [
      h("th", { role: "rowheader", scope: "row" }, this.#door(it)),
      cell("State", badge(it.tone === "ok" && it.state !== "MASTER" ? "off" : it.tone, it.split_brain ? "split brain" : it.state), by && ` ${by}`),
      cell("Since", age(it.since, now)),
      cell("Priority", String(it.priority ?? "–")),
      cell("Master", master),
      cell("Addresses", it.addresses.map((each) => each.address).join(", ")),
    ]);
  }

  #service(row, { row: { service: it }, closed }, now) {
    row.className = "service";
    const words = it.tone === "bad" ? "no quorum" : `${it.counts.up} of ${it.servers.length} take clients`;
    const cells = [it.title, words, it.tone, age(it.since, now), it.weight, closed, steered(it.overrides)];
    refresh(row, JSON.stringify(cells), () => [
      h("th", { role: "rowheader", scope: "row" },
        h("button", { type: "button", class: "fold", "aria-expanded": String(!closed), "aria-label": `Servers of ${it.title}`, "data-focus": `fold ${it.id}`,
          onclick: () => this.tell.fold(it.id, !closed) }, closed ? "▸" : "▾"),
        this.#door(it)),
      cell("State", badge(it.tone, words)),
      cell("Since", age(it.since, now)),
      cell("Weight", String(it.weight ?? "–")),
      cell("Check", ""),
      cell("Why", steered(it.overrides)),
    ]);
  }

  #server(row, it, now) {
    row.className = "server";
    const { tone, word } = SERVER_STATES[it.state];
    const check = it.checks.find((each) => Number.isFinite(each.latency_ms));
    const why = [steered(it.overrides), it.state === "up" ? null : it.reason].filter(Boolean).join(" · ");
    const cells = [it.title, it.state, age(it.since, now), it.effective_weight, check?.latency_ms, why];
    refresh(row, JSON.stringify(cells), () => [
      h("th", { role: "rowheader", scope: "row" }, this.#door(it)),
      cell("State", badge(tone, word)),
      cell("Since", age(it.since, now)),
      cell("Weight", String(it.effective_weight ?? "–")),
      cell("Check", it.state !== "down" && check ? latency(check.latency_ms) : ""),
      cell("Why", why),
    ]);
  }
}
