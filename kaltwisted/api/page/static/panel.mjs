/** One thing, told in full: why it is as it is, its checks, what happened to it, and what can be done to it. */
import { age, clock, count, latency, span } from "./format.mjs";
import { h, refresh, say, svg } from "./dom.mjs";
import { drawSpark } from "./picture.mjs";
import { about, eventItem } from "./history.mjs";
import { keyOf } from "./latencies.mjs";
import { SERVER_STATES } from "./model.mjs";
import { tally } from "./problems.mjs";
import { actions, doing, GONE } from "./steer.mjs";

const EVENTS = 8;
/** An explanation has ages in it: it is asked for again after so long, or fifty times what it takes. */
const EXPLAINED_S = 10;

const KIND = { director: "Director", instance: "Virtual router", service: "Virtual server", server: "Real server" };

/** What the API calls them. */
const API_KIND = { instance: "instance", service: "virtual_server", server: "real_server" };

const facts = (...pairs) => h("dl", { class: "facts" }, pairs.filter((pair) => pair && pair[1] !== null && pair[1] !== undefined && pair[1] !== "")
  .flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]));

/** The state as a word with its tone. */
function stateOf(it) {
  if (it.kind === "server") return [it.tone, SERVER_STATES[it.state].word];
  if (it.kind === "service") return [it.tone, it.tone === "bad" ? "no quorum" : `${it.counts.up} of ${it.servers.length} take clients`];
  if (it.kind === "instance") return [it.tone === "ok" && it.state !== "MASTER" ? "off" : it.tone, it.split_brain ? "SPLIT BRAIN" : it.state];
  return [it.tone, it.here ? "this director" : "another director"];
}

export class Panel {
  /**
   * @param {HTMLElement} box an aside
   * @param {object} tell `closed(id)`, `explain(target, kind)` and `act(request)` that give promises, `open(id)`, `titleOf(name)`
   */
  constructor(box, tell) {
    this.box = box;
    this.tell = tell;
    this.it = null;
    this.heading = h("h2", { id: "panel-heading", tabindex: -1 });
    this.kind = h("p", { class: "kind" });
    this.state = h("p", { class: "state" });
    this.why = h("div", { class: "explained" });
    this.facts = h("div");
    this.detail = h("div");
    this.steer = h("section", { "aria-label": "Steer" });
    this.form = h("div");
    this.result = h("p", { class: "result", role: "status" });
    this.events = h("div");
    const close = h("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => this.close() }, "×");
    box.append(h("div", { class: "panel-head" }, h("div", {}, this.kind, this.heading), close), this.state, this.why, this.steer, this.form, this.result, this.detail, this.facts, this.events);
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      if (this.form.firstChild) this.#ask(null);
      else this.close();
    });
  }

  get id() {
    return this.it?.id ?? null;
  }

  open(id, view) {
    const other = id !== this.id;
    this.it = view.shown.byId.get(id) ?? null;
    if (!this.it) return;
    this.box.hidden = false;
    if (other) {
      this.#ask(null);
      say(this.result, "");
      this.explained = null;
      this.why.replaceChildren();
      this.box.scrollTop = 0;
    }
    this.update(view);
    this.heading.focus({ preventScroll: true });
  }

  close() {
    this.box.hidden = true;
    const id = this.id;
    this.it = null;
    this.#ask(null);
    this.tell.closed(id);
  }

  /** @param {object} view `shown`, `now`, `elapsed` since the status, `latencies`, `events`, `forbidden` */
  update(view) {
    if (!this.it) return;
    const found = view.shown.byId.get(this.it.id);
    this.view = view;
    if (!found) {
      refresh(this.state, "gone", () => h("span", { class: "badge tone-off" }, "no longer configured"));
      this.steer.replaceChildren();
      this.steer.shownKey = "gone";
      return;
    }
    const it = (this.it = found);
    const [tone, words] = stateOf(it);
    say(this.kind, KIND[it.kind]);
    say(this.heading, it.title);
    const since = it.since ? `for ${age(it.since, view.now)}, since ${clock(it.since, view.now)}` : "";
    refresh(this.state, JSON.stringify([tone, words, since]), () => [h("span", { class: `badge tone-${tone}` }, words), " ", h("span", { class: "muted" }, since)]);
    this.#explain(`${it.id} ${tone} ${words} ${it.why ?? ""} ${it.priority ?? ""} ${JSON.stringify(it.overrides ?? [])}`);
    this.#steer(it, view);
    const detail = this.#detail(it, view);
    refresh(this.detail, JSON.stringify(detail.key), detail.build);
    refresh(this.facts, JSON.stringify([it.id, factsOf(it, view)]), () => facts(...factsOf(it, view)));
    const events = it.target ? about(view.events, { name: it.target }).slice(0, EVENTS) : [];
    refresh(this.events, JSON.stringify(events), () => events.length > 0 && [h("h3", {}, "What happened"), h("ol", { class: "events" }, events.map((each) => eventItem(each, view.now, this.tell.titleOf)))]);
  }

  async #explain(key) {
    if (!this.it.target || (this.explained === key && this.view.now < this.explainAt) || this.view.forbidden === GONE) return;
    this.explained = key;
    this.explainAt = Infinity;
    const began = performance.now();
    const { target, kind } = this.it;
    let sentences;
    try {
      sentences = await this.tell.explain(target, API_KIND[kind]);
    } catch (failure) {
      sentences = [`No explanation: ${failure.message}`];
    }
    if (this.it?.target !== target) return;
    this.explainAt = this.view.now + Math.max(EXPLAINED_S, (performance.now() - began) / 20);
    refresh(this.why, JSON.stringify(sentences), () => sentences.map((each) => h("p", {}, String(each))));
  }

  #steer(it, view) {
    const possible = actions(it, view.shown);
    const why = view.forbidden;
    const key = JSON.stringify([it.id, possible.map((each) => [each.id, each.words]), it.overrides, why]);
    refresh(this.steer, key, () => {
      if (!possible.length) return [];
      return [
        it.overrides.map((each) => h("p", { class: "override" },
          h("strong", {}, doing(each)),
          ` by ${each.by ?? "somebody"}, ${clock(each.at, view.now)}${each.reason ? `: ${each.reason}` : ""}`)),
        h("div", { class: "buttons" }, possible.map((action) => h("button", {
          type: "button", "data-focus": `act ${action.id}`, disabled: Boolean(why), class: action.danger ? "danger" : null,
          "aria-describedby": why ? "forbidden" : null,
          onclick: () => (action.direct ? this.#act(action) : this.#ask(action)),
        }, action.label))),
        why && h("p", { id: "forbidden", class: "muted" }, why),
      ];
    });
    if (why && this.form.firstChild) this.#ask(null);
  }

  /** Before something is done: what will follow, why it is done, and a way back. */
  #ask(action) {
    if (!action) {
      const had = this.form.contains(document.activeElement);
      this.form.replaceChildren();
      if (had && this.asked) this.box.querySelector(`[data-focus="act ${this.asked}"]`)?.focus();
      return;
    }
    this.asked = action.id;
    say(this.result, "");
    const value = action.field && h("input", { id: "ask-value", type: action.field.type, min: action.field.min, max: action.field.max, value: action.field.value, required: true, inputmode: "numeric" });
    const reason = h("input", { id: "ask-reason", maxlength: 200, autocomplete: "off", placeholder: "for the log" });
    const form = h("form", { class: "ask", "aria-label": action.label },
      h("p", {}, action.words),
      value && h("label", { for: "ask-value" }, action.field.label, value),
      h("label", { for: "ask-reason" }, "Reason", reason),
      h("div", { class: "buttons" },
        h("button", { class: action.danger ? "danger primary" : "primary" }, action.label.replace("…", "")),
        h("button", { type: "button", onclick: () => this.#ask(null) }, "Cancel")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#act(action, value?.value, reason.value.trim());
    });
    this.form.replaceChildren(form);
    (value || reason).focus();
  }

  async #act(action, value, reason, force) {
    const request = action.request(value);
    if (reason) request.body.reason = reason;
    if (force) request.body.force = true;
    const name = action.label.replace("…", "");
    for (const button of this.form.querySelectorAll("button")) button.disabled = true;
    this.result.className = "result";
    say(this.result, `${name}: asked …`);
    try {
      const answer = await this.tell.act(request);
      say(this.result, `${name}: ${action.told?.(answer) || "done"}.`);
      this.#ask(null);
    } catch (failure) {
      this.result.className = "result tone-bad";
      say(this.result, `${name}: ${failure.message}`);
      for (const button of this.form.querySelectorAll("button")) button.disabled = false;
      // What it costs was not to be seen from here: whoever has read it may insist.
      if (failure.status === 409 && !force && !action.direct) {
        const insist = h("button", { type: "button", class: "danger", onclick: () => this.#act(action, value, reason, true) }, `${name} all the same`);
        this.form.querySelector(".buttons")?.append(insist);
        insist.focus();
      }
    }
    if (!this.box.contains(document.activeElement)) this.heading.focus({ preventScroll: true });
  }

  #detail(it, view) {
    if (it.kind === "server") return checksOf(it, view);
    if (it.kind === "instance") return reasonsOf(it, view);
    if (it.kind === "service") return this.#outOf(it);
    if (it.kind === "director") return this.#mastered(it, view);
    return { key: it.id, build: () => [] };
  }

  #doors(title, things) {
    return { key: things.map((each) => [each.id, each.title, each.more]), build: () => things.length > 0 && [h("h3", {}, title),
      h("ul", { class: "plain" }, things.map((each) => h("li", {},
        h("button", { type: "button", class: "door", "data-focus": `to ${each.id}`, onclick: () => this.tell.open(each.id) }, each.title), each.more && ` ${each.more}`)))] };
  }

  #outOf(it) {
    const out = it.servers.filter((each) => each.state !== "up").slice(0, 20);
    return this.#doors("Take no clients", out.map((each) => ({ ...each, more: [SERVER_STATES[each.state].word, each.reason].filter(Boolean).join(": ") })));
  }

  #mastered(it, view) {
    return this.#doors("Master of", it.masters.map((id) => view.shown.byId.get(id)).filter(Boolean));
  }
}

function factsOf(it, view) {
  if (it.kind === "server") {
    return [["Weight", it.effective_weight === it.weight ? it.weight : `${it.effective_weight ?? "–"} (configured ${it.weight})`], ["Forwarding", it.forwarding],
      ["When down", it.inhibited ? "weight 0, stays in the table" : null], ["Virtual server", view.shown.byId.get(it.service)?.title]];
  }
  if (it.kind === "service") {
    return [["Address", it.place], ["Protocol", it.protocol], ["Scheduler", it.scheduler], ["Forwarding", it.forwarding],
      ["Quorum", it.quorum === undefined ? null : `${it.quorum}, weight ${it.weight ?? "–"}`], ["Servers", tally(it.counts)],
      ["Sorry server", it.sorry ? `${it.sorry.title}${it.sorry.in_use ? ", takes clients" : ""}` : null], ["Virtual router", view.shown.byId.get(it.owner)?.title]];
  }
  if (it.kind === "instance") {
    const next = it.next?.what ? `${{ advert: "advert", master_down: "master down", preempt: "takes over" }[it.next.what] ?? it.next.what} in ${Math.max(0, it.next.in_s).toFixed(1)} s` : null;
    return [["Priority", it.reasons.length ? null : it.priority], ["Sync group", it.group], ["Interface", it.interface], ["VRID", it.vrid], ["VRRP", it.version && `version ${it.version}, ${it.family === "inet6" ? "IPv6" : "IPv4"}`],
      ["Waits for", it.waits_for?.join(", ")], ["Configured as", it.wanted], ["Preempts", it.preempt === undefined ? null : it.preempt ? "yes" : "no"],
      ["Master", it.state === "MASTER" ? "this director" : it.master ? `${it.master.address}, priority ${it.master.priority}` : "none heard"],
      ["Adverts each", it.interval_s === undefined ? null : `${it.interval_s} s`], ["Next", next],
      ["Addresses", it.addresses.map((each) => `${each.address}${each.interface ? ` on ${each.interface}` : ""}${each.set ? "" : " (not set here)"}`).join("\n")]];
  }
  return [["Version", it.here ? view.shown.daemon.version : null], ["Runs for", it.here ? span(view.shown.daemon.uptime_s) : null]];
}

function checksOf(it, view) {
  const told = it.checks.map((check, index) => {
    const values = view.latencies.get(keyOf(it, index))?.values ?? [];
    const next = check.next_in_s === null || check.next_in_s === undefined ? null : Math.max(0, Math.round(check.next_in_s - view.elapsed));
    return { kind: check.kind, target: check.target, up: check.up, run: check.has_run, result: check.last_result, latency: check.latency_ms, paused: check.paused, next, retries: check.retries_left, values: [...values] };
  });
  return {
    key: told,
    build: () => [
      h("h3", {}, told.length === 1 ? "Check" : "Checks"),
      !told.length && h("p", { class: "muted" }, "None: it is always taken for alive."),
      h("ul", { class: "plain checks" }, told.map((check) => {
        const tone = check.paused || !check.run ? "off" : check.up ? "ok" : "bad";
        const numbers = check.values.filter((value) => value !== null);
        const range = numbers.length > 1 ? `${latency(Math.min(...numbers))} to ${latency(Math.max(...numbers))} in the last ${count(check.values.length, "run")} seen` : "";
        const after = [check.paused ? "paused" : check.next === null ? null : `again in ${check.next} s`, !check.up && check.retries ? `${count(check.retries, "retry", "retries")} left` : null].filter(Boolean).join(", ");
        return h("li", {},
          h("p", {}, h("span", { class: `badge tone-${tone}` }, check.paused ? "paused" : !check.run ? "not run yet" : check.up ? "up" : "down"), " ", h("strong", {}, String(check.kind)), check.target && ` ${check.target}`),
          h("p", { class: "muted" }, [check.result, Number.isFinite(check.latency) ? latency(check.latency) : null, after].filter(Boolean).join(" · ")),
          check.values.length > 1 && h("figure", {},
            svg("svg", { width: 280, height: 44, viewBox: "-2 -2 284 48", role: "img", "aria-label": `Latency ${range}` }, drawSpark(check.values, 280, 42)),
            range && h("figcaption", { class: "muted" }, range)));
      })),
    ],
  };
}

function reasonsOf(it, view) {
  const key = [it.reasons, it.faults, it.split_brain, it.priority, it.base_priority, it.counters ?? null, view.shown.groups.filter((each) => each.name === it.group)];
  return {
    key,
    build: () => [
      it.split_brain && h("p", { class: "tone-bad" }, String(it.split_brain)),
      it.faults.length > 0 && [h("h3", {}, "Faults"), h("ul", {}, it.faults.map((each) => h("li", {}, String(each))))],
      it.reasons.length > 0 && [h("h3", {}, "Priority"), h("table", { class: "sum" }, h("tbody", {},
        h("tr", {}, h("th", { scope: "row" }, "configured"), h("td", {}, String(it.base_priority ?? "–"))),
        it.reasons.map((each) => h("tr", {}, h("th", { scope: "row" }, each.words || `${each.kind} ${each.name}`), h("td", {}, `${each.points > 0 ? "+" : ""}${each.points ?? ""}`))),
        h("tr", { class: "total" }, h("th", { scope: "row" }, "now"), h("td", {}, String(it.priority ?? "–")))))],
      it.counters && h("details", {}, h("summary", { "data-focus": "counters" }, "Counters"),
        facts(...Object.entries(it.counters).filter(([, value]) => typeof value !== "object").map(([name, value]) => [name.replaceAll("_", " "), String(value)]))),
    ],
  };
}
