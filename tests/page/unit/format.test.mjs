import assert from "node:assert/strict";
import { test } from "node:test";
import { age, count, endpoint, fit, latency, span } from "../../../kaltwisted/api/page/static/format.mjs";
import { measure } from "./documents.mjs";

test("spans have at most two units, and never a negative one", () => {
  const told = [0, 59.9, 60, 3599, 3600, 12060, 86400, 90000, -5].map(span);
  assert.deepEqual(told, ["0 s", "59 s", "1 min", "59 min", "1 h", "3 h 21 min", "1 d", "1 d 1 h", "0 s"]);
  assert.deepEqual([span(null), span(NaN), age(undefined, 5), age(10, 5)], ["–", "–", "–", "0 s"]);
});

test("latencies have two figures or so", () => {
  assert.deepEqual([0.123, 1.24, 12.4, 999.4, 1240, null].map(latency), ["0.12 ms", "1.2 ms", "12 ms", "999 ms", "1.2 s", "–"]);
});

test("addresses are written as in a URL", () => {
  assert.deepEqual([endpoint("10.0.0.1", 80), endpoint("2001:db8::1", 80), endpoint("10.0.0.1", 0), endpoint(null, null)], ["10.0.0.1:80", "[2001:db8::1]:80", "10.0.0.1", ""]);
  assert.equal(count(1, "server"), "1 server");
  assert.equal(count(2, "retry", "retries"), "2 retries");
});

test("a text that does not fit is cut, and what is left fits", () => {
  assert.equal(fit("short", 35, measure), "short");
  for (let width = 0; width < 200; width += 1) {
    const cut = fit("a.very.long.name.example.com", width, measure);
    assert.ok(measure(cut) <= width, `${cut} at ${width}`);
  }
  assert.equal(fit("abcdefgh", 35, measure), "abcd…");
});
