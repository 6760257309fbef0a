import assert from "node:assert/strict";
import { test } from "node:test";
import { KEPT, keyOf, remember, sparkline } from "../../../kaltwisted/api/page/static/latencies.mjs";
import { model } from "../../../kaltwisted/api/page/static/model.mjs";
import { check, doc, service } from "./documents.mjs";

const at = (last_run, latency_ms, more = {}) => model(doc([], [service("192.0.2.1", [["10.0.0.1", { checks: [check({ last_run, latency_ms, ...more })] }]])]));

test("each run is kept once, so many, and no longer than its check is there", () => {
  const kept = new Map();
  remember(kept, at(1, 5));
  remember(kept, at(1, 5));
  remember(kept, at(2, 6));
  remember(kept, at(3, 7, { up: false }));
  const key = keyOf(at(1, 1).services[0].servers[0], 0);
  assert.deepEqual(kept.get(key).values, [5, 6, null]);
  for (let run = 4; run < 200; run += 1) remember(kept, at(run, run));
  assert.equal(kept.get(key).values.length, KEPT);
  assert.equal(kept.get(key).values.at(-1), 199);
  remember(kept, model(doc([], [])));
  assert.equal(kept.size, 0);
  remember(kept, at(1, 1, { has_run: false }));
  assert.equal(kept.size, 0);
});

test("a sparkline ends at the right, touches the top, and has gaps where a check failed", () => {
  const { line, failures, max } = sparkline([2, null, 4, 1], 400, 10);
  assert.equal(max, 4);
  assert.deepEqual(line.match(/[ML][^ML]*/g), ["M369.2 5h0", "M389.7 0h0", "L400 7.5"]);
  assert.deepEqual(failures, [379.5]);
  assert.deepEqual(sparkline([], 100, 10), { line: "", failures: [], max: 0 });
  assert.equal(sparkline([0, 0], 400, 10).line, "M389.7 10h0L400 10");
});

test("where there is little room it has the newest values only", () => {
  const { line } = sparkline(Array.from({ length: KEPT }, (_, n) => n + 1), 40, 10);
  assert.equal(line.match(/[ML]/g).length, 11);
  assert.ok(line.startsWith("M0 "));
});
