/** The page: brings the line to the daemon, the model and what shows it together. */
import { h, refresh, say, set, svg } from "./dom.mjs";
import { announcement, changes } from "./diff.mjs";
import { filter, folded } from "./filter.mjs";
import { age, clock, count, latency, span } from "./format.mjs";
import { glyph } from "./cards.mjs";
import { History, keep } from "./history.mjs";
import { remember } from "./latencies.mjs";
import { layout } from "./layout.mjs";
import { Link, Refused } from "./link.mjs";
import { model, SERVER_STATES, withLastKnown } from "./model.mjs";
import { Panel } from "./panel.mjs";
import { Picture } from "./picture.mjs";
import { problems, verdict } from "./problems.mjs";
import { doing, forbidden } from "./steer.mjs";
import { Tables } from "./table.mjs";

const TOKEN = "kaltwisted-token";
const THEME = "kaltwisted-theme";
const $ = (id) => document.getElementById(id);

/** sessionStorage and localStorage may be forbidden; then what is kept lasts as long as the page. */
function storage(name) {
  const memory = new Map();
  const real = () => {
    try {
      return window[name];
    } catch {
      return null;
    }
  };
  return {
    get: (key) => real()?.getItem(key) ?? memory.get(key) ?? null,
    set: (key, value) => (real() ? real().setItem(key, value) : memory.set(key, value)),
    remove: (key) => (real() ? real().removeItem(key) : memory.delete(key)),
  };
}
const session = storage("sessionStorage");
const local = storage("localStorage");

const seconds = () => Date.now() / 1000;
const state = {
  doc: null,
  shown: null,
  rows: [],
  /** The daemon's clock less ours: a phone's may be wrong. */
  ahead: 0,
  gotAt: null,
  chosen: new Map(),
  latencies: new Map(),
  events: [],
  problems: [],
  allProblems: false,
  access: { role: null, signed: false, by: null },
  asTable: false,
};
const now = () => seconds() + state.ahead;

const link = new Link(
  {
    fetch: (...all) => fetch(...all),
    now: seconds,
    after: (s, call) => {
      const timer = setTimeout(call, s * 1000);
      return () => clearTimeout(timer);
    },
    token: () => session.get(TOKEN),
    hidden: () => document.hidden,
  },
  { status: gotStatus, events: gotEvents, missed: gotMissed, reach: gotReach },
);

const picture = new Picture($("picture"), { open, fold });
const tables = new Tables($("tables"), { open, fold });
const history = new History($("events"), $("older"), titleOf);
const panel = new Panel($("panel"), {
  closed: (id) => {
    picture.selected = null;
    document.body.classList.remove("detail");
    if (state.asTable) document.querySelector(`[data-focus="${CSS.escape(`open ${id}`)}"]`)?.focus();
    else picture.focus(id);
    picture.draw();
  },
  explain: async (target, kind) => {
    const found = await (await link.request({ path: `api/v1/explain?name=${encodeURIComponent(target)}` })).json();
    return found.filter((each) => each.kind === kind).flatMap((each) => each.sentences);
  },
  act,
  open,
  titleOf,
});

function view() {
  return {
    shown: state.shown, now: now(), elapsed: seconds() - (state.gotAt ?? seconds()), latencies: state.latencies, events: state.events,
    forbidden: forbidden(state.access, link.reach),
  };
}

/** What the daemon calls `tcp/192.0.2.1:80/10.0.0.1:80`, as the picture has it; behind a space is more, as of a check. */
function titleOf(name) {
  const [target, ...more] = state.shown?.byTarget.has(name) ? [name] : name.split(" ");
  const it = state.shown?.byTarget.get(target);
  if (!it) return name;
  const title = it.kind === "server" ? `${it.title} of ${state.shown.byId.get(it.service).title}` : it.title;
  return [title, ...more].join(" ");
}

function open(id) {
  if (!state.shown?.byId.has(id)) return;
  picture.selected = id;
  document.body.classList.add("detail");
  panel.open(id, view());
  picture.draw();
}

function fold(serviceId, isFolded) {
  state.chosen.set(serviceId, isFolded);
  draw();
}

async function act(request) {
  try {
    return await (await link.request(request)).json();
  } catch (failure) {
    if (failure instanceof Refused && failure.status === 401) {
      askToken("To steer, a token that may control is needed.");
      throw new Error("a token that may control is needed", { cause: failure });
    }
    if (failure instanceof Refused && failure.status === 403) {
      state.access.role = "read";
      panel.update(view());
    }
    throw failure instanceof Refused ? failure : new Error("the daemon gave no answer", { cause: failure });
  } finally {
    link.soon();
  }
}

function gotStatus(doc) {
  const before = state.shown;
  state.doc = withLastKnown(doc, state.doc);
  state.shown = model(state.doc);
  state.gotAt = seconds();
  const { started, uptime_s: uptime } = state.shown.daemon;
  state.ahead = Number.isFinite(started) && Number.isFinite(uptime) ? started + uptime - state.gotAt : 0;
  remember(state.latencies, state.shown);
  state.problems = problems(state.shown);
  const found = changes(before, state.shown);
  draw();
  if (!before) history.show(state.events, now(), $("filter").value);
  if (found.length) {
    announce(announcement(found));
    picture.flash(found.map((each) => each.id));
  }
}

function gotEvents(events) {
  state.events = keep(state.events, events);
  history.show(state.events, now(), $("filter").value);
  if (panel.id) panel.update(view());
}

function gotMissed() {
  gotEvents([{ id: "missed", at: now(), kind: "missed", name: "", from: null, to: "more happened than the daemon keeps" }]);
}

/** Changes that come together are said together. */
let toSay = [];
function announce(words) {
  toSay.push(words);
  if (toSay.length > 1) return;
  setTimeout(() => {
    say($("live"), toSay.length > 3 ? `${toSay.length} groups of changes. ${state.problems.length} problems now.` : toSay.join(". "));
    toSay = [];
  }, 1000);
}

const isGone = (reach) => reach === "unreachable" || reach === "refused";
const REACH = { connecting: "connecting", live: "live", polling: "live, by asking", unreachable: "not reached", refused: "refused", token: "token needed" };
function gotReach(reach, why) {
  $("reach").dataset.state = reach;
  document.body.classList.toggle("stale", isGone(reach) && state.gotAt !== null);
  if (reach === "refused") $("sign").hidden = false;
  if (reach === "token") askToken(why ? `The daemon does not take this token: ${why}` : null);
  if (reach === "live" || reach === "polling") learnAccess();
  else state.access.known = false;
  if (state.shown) panel.update(view());
  tick(why);
}

async function learnAccess() {
  if (state.access.known) return;
  state.access.known = true;
  const signed = session.get(TOKEN) !== null;
  try {
    const said = await (await link.request({ path: "api/v1/access" })).json();
    state.access = { role: said.role, by: said.by ?? null, signed, known: true };
  } catch (failure) {
    // A daemon that does not tell says it when something is tried.
    state.access = { role: failure instanceof Refused && failure.status !== 404 ? null : "control", by: null, signed, known: failure instanceof Refused };
  }
  $("sign").hidden = state.access.role === "control" && !signed;
  say($("sign"), signed ? "Token" : "Use a token");
  panel.update(view());
}

/** What grows older by itself: how old the picture is. */
function tick(why = link.why) {
  const reach = link.reach;
  const words = REACH[reach] ?? "";
  const old = state.gotAt === null ? null : seconds() - state.gotAt;
  say($("reach-words"), old !== null && old > 15 ? `${words}, ${span(old)} old` : words);
  const gone = isGone(reach);
  const banner = $("unreachable");
  if (gone) {
    const what = state.gotAt === null ? "There is nothing to show yet." : `What is shown is from ${clock(state.gotAt, seconds())}.`;
    const happened = reach === "refused" ? `The daemon does not tell its state: ${why}.` : `The daemon cannot be reached (${why}).`;
    const words = `${happened} ${what} Trying again.`;
    say(banner, words);
  }
  banner.hidden = !gone;
  document.title = state.shown ? `${gone ? "? " : state.problems.length ? `(${state.problems.length}) ` : ""}${state.shown.daemon.host ?? "kaltwisted"} · kaltwisted` : "kaltwisted";
}

function draw() {
  const { shown } = state;
  if (!shown) return;
  const text = $("filter").value.trim();
  const only = $("only").value;
  const filtered = Boolean(text) || only !== "all";
  state.rows = filter(shown, { text, only });
  const total = state.rows.reduce((sum, row) => sum + row.servers.length, 0);
  state.isFolded = (row) => folded(row.service, state.chosen, total);
  drawHead();
  say($("shown"), filtered ? `${count(state.rows.length, "virtual server")} of ${shown.services.length} shown` : "");
  const closed = state.rows.length > 0 && state.rows.every(state.isFolded);
  say($("fold-all"), closed ? "Unfold all" : "Fold all");
  $("fold-all").hidden = !shown.services.length;
  if (state.asTable) tables.show(shown, state.rows, state.isFolded, now(), shown.daemon.host ?? "this director");
  else {
    const width = Math.floor($("picture").clientWidth);
    if (width > 0) picture.show(layout(shown, state.rows, { width, chosen: state.chosen, filtered }), now(), state.latencies);
  }
  panel.update(view());
  tick();
}

function drawHead() {
  const { shown } = state;
  const told = verdict(shown, state.problems);
  say($("host"), shown.daemon.host ?? "kaltwisted");
  say($("verdict-words"), told.words);
  $("verdict").className = `verdict tone-${told.tone}`;
  say($("verdict-more"), told.more ?? "");
  const few = innerWidth < 600 ? 3 : 5;
  const some = state.allProblems ? state.problems : state.problems.slice(0, few);
  refresh($("problems"), JSON.stringify(some.map((each) => [each, age(each.since, now())])), () => some.map((each) => {
    const words = [h("span", { class: "mark", "aria-hidden": "true" }, mark(each.tone)), h("span", {}, each.words), each.since ? h("span", { class: "muted" }, age(each.since, now())) : null];
    return h("li", { class: `tone-${each.tone}` }, each.id ? h("button", { type: "button", class: "problem", "data-focus": `problem ${each.words}`, onclick: () => open(each.id) }, words) : h("div", { class: "problem" }, words));
  }));
  const more = $("more-problems");
  more.hidden = state.problems.length <= few;
  say(more, state.allProblems ? "Show fewer" : `Show all ${state.problems.length}`);
  drawOverrides();
  drawDaemon();
}

function mark(tone) {
  const { d, filled } = glyph(tone, 8, 8, 6);
  return svg("svg", { width: 16, height: 16, viewBox: "0 0 16 16" }, svg("path", { d, class: `${filled ? "solid" : "open"} tone-${tone}` }));
}

function drawOverrides() {
  const { overrides, byTarget } = state.shown;
  $("steered").hidden = !overrides.length;
  const key = JSON.stringify(overrides.map((each) => [each, byTarget.get(each.target)?.id]));
  refresh($("overrides"), key, () => overrides.map((each) => {
    const it = byTarget.get(each.target);
    const name = it ? h("button", { type: "button", class: "door", "data-focus": `steered ${each.target} ${each.action}`, onclick: () => open(it.id) }, titleOf(each.target)) : h("span", {}, String(each.target));
    return h("li", {}, h("strong", {}, doing(each)), " ", name, each.configured === false && " (not configured now: it waits)",
      h("p", { class: "muted" }, `${each.by ?? "somebody"}, ${clock(each.at, now())}${each.reason ? `: ${each.reason}` : ""}`));
  }));
}

function drawDaemon() {
  const { daemon, trackers, sessions, dataPlane } = state.shown;
  const configuration = daemon.configuration ?? {};
  const reload = configuration.reload;
  const row = (...cells) => h("tr", {}, cells.map((cell, index) => (index ? h("td", {}, String(cell)) : h("th", { scope: "row" }, String(cell)))));
  const table = (caption, heads, rows) => rows.length > 0 && h("table", { class: "small" }, h("caption", {}, caption), h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows));
  const roles = (daemon.roles ?? []).map((role) => [role.name, role.state, age(role.since, now()), role.restarts ?? 0, role.timer_lateness ? `${latency(role.timer_lateness.p99_ms)} / ${latency(role.timer_lateness.worst_ms)}` : "–"]);
  const tracked = trackers.map((each) => [each.name, each.kind, each.up === null || each.up === undefined ? each.value ?? "not known" : each.up ? "up" : "down", each.last_result ?? ""]);
  const bfd = sessions.map((each) => [each.name, each.state, age(each.since, now()), each.neighbor]);
  const facts = [["Version", daemon.version], ["Process", daemon.pid], ["Runs for", span(daemon.uptime_s)], ["Data plane", dataPlane],
    ["Configuration", configuration.file], ["Read", configuration.read ? clock(configuration.read, now()) : null],
    ["Findings", configuration.errors || configuration.warnings ? `${count(configuration.errors ?? 0, "error")}, ${count(configuration.warnings ?? 0, "warning")}` : "none"],
    ["Last reload", reload ? `${reload.result}, ${clock(reload.at, now())}${reload.why ? `: ${reload.why}` : ""}` : null]]
    .filter(([, value]) => value !== null && value !== undefined);
  const findings = configuration.findings ?? [];
  refresh($("daemon"), JSON.stringify([facts, findings, roles, tracked, bfd]), () => [
    h("dl", { class: "facts" }, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))])),
    findings.length > 0 && h("details", {}, h("summary", { "data-focus": "findings" }, "What was found in it"), h("ul", {}, findings.map((each) => h("li", {}, String(each))))),
    table("Processes", ["Role", "State", "Since", "Restarts", "Late: 99 %, worst"], roles.map((each) => row(...each))),
    table("Trackers", ["Name", "Kind", "State", "Last result"], tracked.map((each) => row(...each))),
    table("BFD sessions", ["Name", "State", "Since", "Neighbour"], bfd.map((each) => row(...each))),
  ]);
}

function askToken(why) {
  const dialog = $("ask-token");
  say($("token-why"), why ?? "This daemon shows its state only to those who have a token.");
  $("token-open").hidden = isSecureContext;
  $("token-forget").hidden = session.get(TOKEN) === null;
  $("token").value = "";
  if (!dialog.open) dialog.showModal();
  $("token").focus();
}

function begin() {
  state.access.known = false;
  link.start();
}

function tell() {
  $("token-form").addEventListener("submit", () => {
    session.set(TOKEN, $("token").value.trim());
    $("token").value = "";
    begin();
  });
  $("token-cancel").addEventListener("click", () => $("ask-token").close());
  $("ask-token").addEventListener("close", () => {
    if (link.reach === "token") $("sign").hidden = false;
  });
  $("token-forget").addEventListener("click", () => {
    session.remove(TOKEN);
    $("ask-token").close();
    begin();
  });
  $("sign").addEventListener("click", () => askToken(session.get(TOKEN) ? "Another token, for other rights." : "A token that may control gives you the buttons."));
  $("filter").addEventListener("input", () => {
    draw();
    history.show(state.events, now(), $("filter").value);
  });
  $("only").addEventListener("change", draw);
  $("fold-all").addEventListener("click", () => {
    const close = !state.rows.every(state.isFolded);
    for (const row of state.rows) state.chosen.set(row.service.id, close);
    draw();
  });
  const as = (table) => {
    state.asTable = table;
    set($("as-picture"), "aria-pressed", String(!table));
    set($("as-table"), "aria-pressed", String(table));
    $("picture").hidden = table;
    $("legend").hidden = table;
    $("tables").hidden = !table;
    draw();
  };
  $("as-picture").addEventListener("click", () => as(false));
  $("as-table").addEventListener("click", () => as(true));
  $("more-problems").addEventListener("click", () => {
    state.allProblems = !state.allProblems;
    drawHead();
  });
  document.addEventListener("visibilitychange", () => document.hidden || link.soon());
  addEventListener("online", () => link.soon());
  new ResizeObserver(() => state.asTable || draw()).observe($("picture"));
  setInterval(() => {
    if (document.hidden || !state.shown) return;
    tick();
    drawHead();
    picture.now = now();
    picture.draw();
    panel.update(view());
  }, 1000);
}

const THEMES = ["auto", "light", "dark"];
function showTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  say($("theme"), { auto: "Auto", light: "Light", dark: "Dark" }[theme]);
  $("theme").setAttribute("aria-label", `Colours: ${$("theme").textContent}`);
}

function themes() {
  let theme = THEMES.includes(local.get(THEME)) ? local.get(THEME) : "auto";
  showTheme(theme);
  $("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    if (theme === "auto") local.remove(THEME);
    else local.set(THEME, theme);
    showTheme(theme);
  });
}

$("legend").append(...Object.entries(SERVER_STATES).map(([name, { tone, word }]) => {
  const { d, filled } = glyph(name, 8, 8, 5);
  return h("li", {}, svg("svg", { width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d, class: `${filled ? "solid" : "open"} tone-${tone}` })), word);
}));
themes();
tell();
begin();
