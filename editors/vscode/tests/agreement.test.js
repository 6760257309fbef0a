// The grammar marks the very words that `kaltwisted check` does not know.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const test = require("node:test");
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");
const { check } = require("../findings.js");

const COMMAND = process.env.KALTWISTED ?? "kaltwisted";
const TOP = path.join(__dirname, "../../..");
const GRAMMAR = path.join(__dirname, "../syntaxes/keepalived.tmLanguage.json");

async function grammar() {
  await oniguruma.loadWASM(fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")).buffer);
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(GRAMMAR, "utf8"), GRAMMAR),
  });
  return registry.loadGrammar("source.keepalived");
}

/** Places, as line:word, of what has a scope; and how deep the blocks are at the end. */
function marked(colours, text, scope) {
  const found = [];
  let stack = textmate.INITIAL;
  text.split("\n").forEach((line, index) => {
    const { tokens, ruleStack } = colours.tokenizeLine(line, stack);
    stack = ruleStack;
    for (const { startIndex, endIndex, scopes } of tokens) {
      if (scopes.some((each) => each.startsWith(scope))) {
        found.push(`${index + 1}:${line.slice(startIndex, endIndex)}`);
      }
    }
  });
  return { found, depth: stack.depth };
}

const MISTAKES = `wieght 1
global_defs { router_id a } vrrp_script x { weight 2
  path /
}
virtual_server 192.0.2.1 80
{
  real_server 10.0.0.1 80 { path / } lb_alog rr
  nonsense { weight 1 { } } protocol TCP
}
real_server 10.0.0.2 80
`;

const MENDED = /too early|behind the end|^members of/;

/** Our samples and the guide's, each with what the check finds; but those whose braces it puts right are not. */
async function samples(t) {
  const made = fs.mkdtempSync(path.join(tmpdir(), "mistakes-"));
  t.after(() => fs.rmSync(made, { recursive: true }));
  fs.writeFileSync(path.join(made, "mistakes.conf"), MISTAKES);
  const folders = [path.join(TOP, "etc/keepalived"), path.join(TOP, "tests/data/guide"), made];
  const files = folders
    .flatMap((folder) => fs.readdirSync(folder).map((name) => path.join(folder, name)))
    .filter((file) => /\.conf/.test(file));
  const [first, ...others] = files;
  const { findings } = await check(COMMAND, ["--no-system", ...others], first).done;
  const found = files
    .map((file) => ({
      file,
      text: fs.readFileSync(file, "utf8"),
      findings: findings.filter((finding) => finding.file === file),
    }))
    .filter((sample) => !sample.findings.some(({ message }) => MENDED.test(message)));
  assert.ok(found.length >= 5, `${found.length} of ${files.length} samples are left`);
  return found;
}

test("unknown keywords", async (t) => {
  const colours = await grammar();
  let all = 0;
  for (const { file, text, findings } of await samples(t)) {
    const unknown = findings
      .filter(({ message }) => message.includes("is not a keyword"))
      .map(({ line, message }) => `${line}:${message.match(/`(.*?)`/)[1]}`);
    const { found, depth } = marked(colours, text, "invalid.illegal.keyword");
    assert.deepEqual(found, unknown, file);
    assert.equal(depth, 1, `${file}: every block is closed`);
    all += found.length;
  }
  assert.ok(all > 4);
});

test("obsolete spellings", async (t) => {
  const colours = await grammar();
  const all = new Set();
  for (const { file, text, findings } of await samples(t)) {
    const told = findings.map(({ message }) => message.match(/^`(\S+)` is accepted; /)?.[1]).filter(Boolean);
    const { found } = marked(colours, text, "invalid.deprecated");
    const words = new Set(found.map((each) => each.split(":")[1]));
    assert.deepEqual(words, new Set(told), file);
    words.forEach((word) => all.add(word));
  }
  assert.ok(all.has("nb_get_retry"));
});
