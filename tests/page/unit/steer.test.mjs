import assert from "node:assert/strict";
import { test } from "node:test";
import { model } from "../../../kaltwisted/api/page/static/model.mjs";
import { actions, forbidden } from "../../../kaltwisted/api/page/static/steer.mjs";
import { doc, down, instance, service } from "./documents.mjs";

const TARGET = "tcp/192.0.2.1:80/10.0.0.1:80";
const over = (action, more = {}) => ({ kind: "real_server", target: TARGET, action, value: null, ...more });
const site = (overrides = [], servers = [["10.0.0.1"], ["10.0.0.2"]], instances = []) => model(doc(instances, [service("192.0.2.1", servers)], { overrides }));
const of = (shown, id = TARGET) => Object.fromEntries(actions(shown.byId.get(id), shown).map((each) => [each.id, each]));

test("what can be done to a server, and what it asks for", () => {
  const found = of(site());
  assert.deepEqual(Object.keys(found), ["drain", "disable", "weight", "pause", "run"]);
  assert.deepEqual(found.drain.request(), { method: "PUT", path: "api/v1/overrides", body: { target: TARGET, action: "drain" } });
  assert.deepEqual(found.weight.request("7").body, { target: TARGET, action: "weight", value: 7 });
  assert.deepEqual(found.run.request(), { method: "POST", path: "api/v1/checks/run", body: { target: TARGET }, within: 120 });
  assert.equal(found.run.told({ checks: [{ kind: "TCP_CHECK", result: "success", latency_ms: 1.25 }, { kind: "MISC_CHECK", result: "timeout", latency_ms: null }] }), "TCP_CHECK success after 1.3 ms; MISC_CHECK timeout");
  assert.match(found.drain.words, /go to the one server left/);
  assert.equal(found.drain.danger, false);
});

test("what is in force can be taken back, one by one", () => {
  const found = of(site([over("drain"), over("weight", { value: 3 }), over("pause")]));
  assert.deepEqual(Object.keys(found), ["enable", "disable", "weight", "unweight", "unpause", "run"]);
  assert.equal(found.weight.field.value, 3);
  assert.equal(found.enable.request().body.action, "enable");
  assert.deepEqual(found.unpause.request().body, { target: TARGET, action: "resume" });
  assert.deepEqual(found.unweight.request().body, { target: TARGET, action: "unweight" });
});

test("draining the last server says so", () => {
  const found = of(site([], [["10.0.0.1"], ["10.0.0.2", down]]));
  assert.match(found.drain.words, /last server of 192.0.2.1:80: clients get no answer then/);
  assert.equal(found.drain.danger, true);
});

test("a virtual router yields, is preferred, and is given back; with its sync group, where it has one", () => {
  const shown = site([], [], [instance("a", "MASTER", ["192.0.2.1"]), instance("b", "BACKUP", ["192.0.2.2"], { group: "G" })]);
  assert.deepEqual(Object.keys(of(shown, "instance/a")), ["yield", "prefer"]);
  assert.equal(of(shown, "instance/a").yield.danger, true);
  assert.equal(of(shown, "instance/b").prefer.request().body.target, "group/G");
  assert.equal(of(shown, "instance/a").prefer.request().body.target, "instance/a");
  const yields = site([over("yield", { target: "G", kind: "group" })], [], [instance("b", "BACKUP", ["192.0.2.2"], { group: "G" })]);
  assert.deepEqual(Object.keys(of(yields, "instance/b")), ["give-back", "prefer"]);
  assert.deepEqual(of(yields, "instance/b")["give-back"].request().body, { target: "group/G", action: "release" });
});

test("why the buttons do nothing", () => {
  assert.equal(forbidden({ role: "control" }, "live"), null);
  assert.match(forbidden({ role: "control" }, "unreachable"), /cannot be reached/);
  assert.match(forbidden({ role: "read", signed: true }, "live"), /may only read/);
  assert.match(forbidden({ role: null, signed: false }, "live"), /token/);
});
