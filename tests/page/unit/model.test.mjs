import assert from "node:assert/strict";
import { test } from "node:test";
import { announcement, changes } from "../../../kaltwisted/api/page/static/diff.mjs";
import { filter, folded } from "../../../kaltwisted/api/page/static/filter.mjs";
import { model, withLastKnown } from "../../../kaltwisted/api/page/static/model.mjs";
import { problems, tally, verdict } from "../../../kaltwisted/api/page/static/problems.mjs";
import { check, doc, down, instance, service } from "./documents.mjs";

const stateOf = (how, overrides = []) => {
  const shown = model(doc([], [service("192.0.2.1", [["10.0.0.1", how]])], { overrides }));
  return shown.services[0].servers[0].state;
};
const over = (action, more = {}) => ({ kind: "real_server", target: "tcp/192.0.2.1:80/10.0.0.1:80", action, value: null, by: "root", at: 90, reason: null, ...more });

test("a server's state", () => {
  assert.equal(stateOf({}), "up");
  assert.equal(stateOf(down), "down");
  assert.equal(stateOf({ ...down, in_pool: true, inhibited: true }), "down");
  assert.equal(stateOf({ alive: true, in_pool: false }), "out");
  assert.equal(stateOf({ effective_weight: 0 }), "drained");
  assert.equal(stateOf({ effective_weight: 0 }, [over("drain")]), "drained");
  assert.equal(stateOf({ effective_weight: 0, in_pool: false }, [over("drain")]), "drained", "while the sorry server stands in");
  assert.equal(stateOf(down, [over("drain")]), "down");
  assert.equal(stateOf({ in_pool: false }, [over("disable")]), "disabled");
  assert.equal(stateOf({ alive: false, in_pool: false, checks: [check({ has_run: false })] }), "checking");
  assert.equal(stateOf({ alive: false, in_pool: false, checks: [] }), "down");
});

test("why a server is out is what its check found, without the frame around it", () => {
  const reason = (last_result, more) => model(doc([], [service("192.0.2.1", [["10.0.0.1", { ...down, checks: [check(), check({ up: false, last_result })], ...more }]])])).services[0].servers[0].reason;
  assert.equal(reason("timeout"), "timeout");
  assert.equal(reason("failed (Connection refused)"), "Connection refused");
  assert.equal(reason(null, { checks: [], why: "said by notify" }), "said by notify");
  assert.equal(reason("x", { alive: true, why: "an operator has disabled it" }), "an operator has disabled it");
});

test("a document of which parts are missing is a model all the same", () => {
  for (const each of [{}, { vrrp: null, checkers: null, bfd: null }, { daemon: {}, vrrp: { instances: [] } }, { checkers: { virtual_servers: [{ id: "fwmark/7", fwmark: 7 }] } }]) {
    const shown = model(each);
    assert.deepEqual(problems(shown), []);
    assert.equal(shown.directors.length, 1);
  }
  assert.equal(model({ checkers: { virtual_servers: [{ id: "fwmark/7", name: "FWM 7", fwmark: 7 }] } }).services[0].title, "firewall mark 7");
});

test("a role that does not tell its state is shown as it was, one that is gone is gone", () => {
  const last = doc([instance("a", "MASTER", ["192.0.2.1"])], [service("192.0.2.1")]);
  const now = { daemon: { roles: [{ name: "vrrp", state: "running" }, { name: "checkers", state: "dead" }] }, vrrp: doc([], []).vrrp, checkers: null, bfd: null };
  const shown = model(withLastKnown(now, last));
  assert.deepEqual([shown.instances.length, shown.services.length], [0, 1]);
  assert.equal(model(withLastKnown({ ...now, daemon: { roles: [] } }, last)).services.length, 0);
  assert.equal(model(withLastKnown(now, null)).services.length, 0);
});

test("things of one name have ids of their own", () => {
  const twice = service("192.0.2.1", [["10.0.0.1"], ["10.0.0.1"]]);
  const shown = model(doc([instance("a", "MASTER", ["192.0.2.1/24"]), instance("a", "MASTER", ["192.0.2.1/24"])], [twice, twice]));
  assert.equal(new Set(shown.byId.keys()).size, 1 + 2 + 2 + 4);
  assert.equal(shown.byTarget.get("tcp/192.0.2.1:80/10.0.0.1:80"), shown.services[0].servers[0]);
});

test("directors are this host and the masters that it hears", () => {
  const shown = model(doc([instance("a", "MASTER", ["192.0.2.1/24"]), instance("b", "BACKUP", ["192.0.2.2/24"]), instance("c", "BACKUP", ["192.0.2.3/24"], { master: null })], [service("192.0.2.2")]));
  assert.deepEqual(shown.directors.map((each) => [each.title, each.masters]), [["lb1", ["instance/a"]], ["10.0.0.2", ["instance/b"]]]);
  assert.equal(shown.services[0].owner, "instance/b");
});

test("what is wrong, worst and newest first", () => {
  const shown = model(doc(
    [instance("a", "FAULT", ["192.0.2.1/24"], { faults: ["eth0 is down"], since: 5 }), instance("b", "BACKUP", ["192.0.2.9"], { priority: 80, reasons: [{ kind: "script", name: "chk", points: -20, words: "script chk failed" }] })],
    [service("192.0.2.1", [["10.0.0.1", { ...down, since: 70 }], ["10.0.0.2"]]), service("192.0.2.2", [["10.0.0.1", down]], { quorum_up: false, since: 80, sorry_server: { address: "10.9.9.9", port: 80, in_use: true } })],
    { daemon: { roles: [{ name: "vrrp", state: "dead", since: 99 }], warnings: ["vrrp is dead for 3 s", "the last reload was refused: line 3"] } },
  ));
  assert.deepEqual(problems(shown).map((each) => [each.tone, each.words]), [
    ["bad", "192.0.2.2:80 has no quorum: clients get the sorry server 10.9.9.9:80; out: 10.0.0.1:80 (connection refused)"],
    ["bad", "a is in FAULT: eth0 is down"],
    ["bad", "vrrp is dead for 3 s"],
    ["warn", "192.0.2.1:80: 1 of 2 servers out: 10.0.0.1:80 (connection refused)"],
    ["warn", "b has priority 80: script chk failed"],
    ["warn", "the last reload was refused: line 3"],
  ]);
  assert.equal(verdict(shown, problems(shown)).words, "3 things are broken, 3 more to look at");
  assert.equal(problems(shown).find((each) => each.tone === "warn").id, "tcp/192.0.2.1:80/10.0.0.1:80");
});

test("nothing wrong is said too, and steering by hand is nothing wrong", () => {
  const shown = model(doc([instance("a", "MASTER", ["192.0.2.1"], { priority: 1, reasons: [{ kind: "override", points: -99 }] })], [service("192.0.2.1", [["10.0.0.1", { effective_weight: 0 }], ["10.0.0.2"]])], { overrides: [over("drain")] }));
  assert.deepEqual(verdict(shown, problems(shown)), { tone: "ok", words: "All is well", more: "master of 1 of 1 virtual router, 2 servers behind 1 virtual server" });
  assert.equal(tally(shown.services[0].counts), "1 in the pool, 1 drained");
});

test("a pool that was not checked yet is no alarm", () => {
  const fresh = { alive: false, in_pool: false, checks: [check({ has_run: false })] };
  const shown = model(doc([], [service("192.0.2.1", [["10.0.0.1", fresh]], { quorum_up: false })]));
  assert.deepEqual(problems(shown), []);
});

test("what costs priority", () => {
  const tone = (reason) => model(doc([instance("a", "BACKUP", ["192.0.2.1"], { reasons: [{ kind: "script", name: "chk", ...reason }] })], [])).instances[0].tone;
  assert.equal(tone({ value: 0, points: -20, words: "script chk is bad: 20 subtracted" }), "warn");
  assert.equal(tone({ value: 0, points: 0, words: "script chk is bad: the 20 are not added" }), "warn");
  assert.equal(tone({ value: 1, points: 20, words: "script chk is good: 20 added" }), "ok");
  assert.equal(tone({ value: 1, points: 0, words: "script chk is good: the 20 are not subtracted" }), "ok");
  assert.equal(tone({ value: 0, points: 0, words: "script chk is bad: the 20 are not subtracted" }), "ok");
  assert.equal(tone({ value: null, points: 0, words: "script chk is not known yet: nothing is added" }), "ok");
});

test("changes are told once, and what is new or gone is none", () => {
  const before = model(doc([instance("a", "BACKUP", ["192.0.2.1"])], [service("192.0.2.1", [["10.0.0.1"], ["10.0.0.2"], ["10.0.0.3"], ["10.0.0.4"]])]));
  const after = model(doc([instance("a", "MASTER", ["192.0.2.1"])], [service("192.0.2.1", [["10.0.0.1", down], ["10.0.0.2", down], ["10.0.0.3", down], ["10.0.0.5"]], { quorum_up: false })]));
  const found = changes(before, after);
  assert.equal(found.length, 5);
  assert.equal(announcement(found), "a is MASTER. 192.0.2.1:80 has lost quorum. 10.0.0.1:80 of 192.0.2.1:80 is down: connection refused. and 2 more changes");
  assert.deepEqual(changes(null, after), []);
  assert.deepEqual(changes(after, after), []);
});

test("the filter", () => {
  const shown = model(doc([instance("VI_web", "MASTER", ["192.0.2.1"])], [service("192.0.2.1", [["10.0.0.1"], ["10.0.0.2", down]]), service("192.0.2.2", [["10.0.0.3"]])], { overrides: [over("pause")] }));
  const found = (wanted) => filter(shown, wanted).map((row) => [row.service.title, row.servers.map((each) => each.address)]);
  assert.deepEqual(found({}), [["192.0.2.1:80", ["10.0.0.1", "10.0.0.2"]], ["192.0.2.2:80", ["10.0.0.3"]]]);
  assert.deepEqual(found({ text: "10.0.0.2" }), [["192.0.2.1:80", ["10.0.0.2"]]]);
  assert.deepEqual(found({ text: "vi_WEB 0.1" }), [["192.0.2.1:80", ["10.0.0.1"]]]);
  assert.deepEqual(found({ text: "192.0.2.2" }), [["192.0.2.2:80", ["10.0.0.3"]]]);
  assert.deepEqual(found({ only: "problems" }), [["192.0.2.1:80", ["10.0.0.2"]]]);
  assert.deepEqual(found({ only: "overrides" }), [["192.0.2.1:80", ["10.0.0.1"]]]);
  assert.deepEqual(found({ text: "refused" }), [["192.0.2.1:80", ["10.0.0.2"]]]);
  assert.deepEqual(found({ text: "nowhere" }), []);
});

test("many servers begin folded, unless somebody chose or searched", () => {
  const it = { id: "a" };
  assert.equal(folded(it, new Map(), 40), false);
  assert.equal(folded(it, new Map(), 41), true);
  assert.equal(folded(it, new Map([["a", false]]), 10000), false);
  assert.equal(folded(it, new Map([["a", true]]), 1), true);
});
