"use strict";

const assert = require("node:assert/strict");
const { chmodSync, mkdtempSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const test = require("node:test");
const { check, byFile } = require("../findings.js");

// The real command, which the project's own tests name here.
const COMMAND = process.env.KALTWISTED ?? "kaltwisted";

function folder(t) {
  const made = mkdtempSync(path.join(tmpdir(), "findings-"));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

function script(t, text) {
  const file = path.join(folder(t), "command");
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

test("findings of a file and of what it includes, each at its place", async (t) => {
  const made = folder(t);
  const main = path.join(made, "keepalived.conf");
  const other = path.join(made, "other.conf");
  const lines = ['global_defs {', '  router_id "äöü 😀" wrong', '  wieght 3', '}', 'include other.conf'];
  writeFileSync(main, lines.join("\n") + "\n");
  writeFileSync(other, "vrrp_instance V {\n priority 999\n}\n");
  const document = await check(COMMAND, ["--no-system"], main).done;
  const found = byFile(main, document, (file, line) => (file === main ? lines[line] : undefined));
  assert.deepEqual(new Set(found.keys()), new Set([main, other]));

  const unknown = found.get(main).find(({ line }) => line === 2);
  assert.equal(unknown.severity, "error");
  assert.deepEqual([unknown.start, unknown.end], [2, 8]);
  assert.match(unknown.message, /^`wieght` is not a keyword.*\n.*`weight`/s);

  const surplus = found.get(main).find(({ line }) => line === 1);
  assert.equal(surplus.severity, "warning");
  assert.equal(lines[1].slice(surplus.start, surplus.end), "wrong", "behind a character of two units");

  assert.match(found.get(other).find(({ line }) => line === 1).message, /999 is out of range\nexpected: /);
});

test("a file without findings has an empty list, which takes earlier ones away", () => {
  assert.deepEqual(byFile("/a/b.conf", { findings: [] }, () => undefined), new Map([["/a/b.conf", []]]));
});

test("no such command, and one that prints something else, say why", async () => {
  await assert.rejects(check("/nonexistent/kaltwisted", [], "/dev/null").done, /ENOENT/);
});

test("a command that is wrong or fails tells its last line", async (t) => {
  const command = script(t, "echo oops >&2; echo kaltwisted: no such flag >&2; exit 1");
  await assert.rejects(check(command, [], "/dev/null").done, { message: "kaltwisted: no such flag" });
});

test("a run can be stopped", async (t) => {
  const run = check(script(t, "exec sleep 60"), [], "/dev/null");
  run.stop();
  await assert.rejects(run.done);
});
