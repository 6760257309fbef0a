"use strict";

const assert = require("node:assert/strict");
const Module = require("node:module");
const test = require("node:test");

// As much of VS Code's interface as the extension uses.
class Position {
  constructor(line, character) {
    Object.assign(this, { line, character });
  }
}
class Range {
  constructor(start, end) {
    Object.assign(this, { start, end });
  }
}
const events = {};
const shown = new Map();
const warnings = [];
const settings = { check: true, command: process.env.KALTWISTED ?? "kaltwisted", arguments: ["--no-system"] };
let provider;
const event = (name) => (listener) => {
  events[name] = listener;
  return { dispose() {} };
};
const vscode = {
  Position,
  Range,
  CompletionItem: class {
    constructor(label, kind) {
      Object.assign(this, { label, kind });
    }
  },
  CompletionItemKind: { Value: 1, Property: 2, Struct: 3 },
  SnippetString: class {
    constructor(value) {
      this.value = value;
    }
  },
  Diagnostic: class {
    constructor(range, message, severity) {
      Object.assign(this, { range, message, severity });
    }
  },
  DiagnosticSeverity: { Error: 0, Warning: 1, Information: 2 },
  DiagnosticRelatedInformation: class {},
  Location: class {},
  Uri: { file: (name) => name },
  languages: {
    createDiagnosticCollection: () => ({
      set: (name, found) => shown.set(name, found),
      delete: (name) => shown.delete(name),
      dispose() {},
    }),
    registerCompletionItemProvider(language, given) {
      provider = given;
      return { dispose() {} };
    },
  },
  window: {
    showWarningMessage: (message) => warnings.push(message),
  },
  workspace: {
    textDocuments: [],
    getConfiguration: () => ({ get: (name) => settings[name] }),
    onDidOpenTextDocument: event("open"),
    onDidSaveTextDocument: event("save"),
    onDidCloseTextDocument: event("close"),
  },
};
const load = Module._load;
Module._load = (name, ...more) => (name === "vscode" ? vscode : load(name, ...more));
require("../extension.js").activate({ subscriptions: [] });

function document(file, languageId = "keepalived") {
  return { languageId, uri: { scheme: "file", fsPath: file }, lineCount: 0 };
}

test("a keyword comes with its words, its snippet and how far it is done", () => {
  const text = "virtual_server 192.0.2.1 80 {\n  ";
  const items = provider.provideCompletionItems({ getText: () => text }, new Position(1, 2));
  const algorithm = items.find(({ label }) => label === "lb_algo");
  assert.match(algorithm.insertText.value, /^lb_algo \$\{1\|rr,wrr,/);
  assert.match(algorithm.detail, /wlc/);
  assert.ok(algorithm.documentation.length > 0);
  assert.equal(items.find(({ label }) => label === "real_server").kind, vscode.CompletionItemKind.Struct);
  const order = items.map(({ sortText }) => sortText).sort();
  assert.ok(order[0].startsWith("0"));
});

test("findings appear when a file is opened, and go when it is closed", async () => {
  await events.open(document("/etc/hosts", "plaintext"));
  await events.open(document(__filename));
  assert.deepEqual([...shown.keys()], [__filename], "and nothing of other languages");
  const [first] = shown.get(__filename);
  assert.equal(first.severity, vscode.DiagnosticSeverity.Error);
  assert.equal(first.source, "kaltwisted");
  assert.equal(first.range.start.line, 0);
  await events.save(document(__filename));
  assert.equal(shown.size, 1);
  events.close(document(__filename));
  assert.equal(shown.size, 0);
});

test("what was found of a file that was closed meanwhile is not shown", async () => {
  const looked = events.open(document(__filename));
  events.close(document(__filename));
  await looked;
  assert.equal(shown.size, 0);
  assert.deepEqual(warnings, []);
});

test("it can be switched off", async () => {
  settings.check = false;
  await events.open(document(__filename));
  settings.check = true;
  assert.equal(shown.size, 0);
});

test("a command that is missing is told of once", async () => {
  settings.command = "/nonexistent/kaltwisted";
  await events.save(document(__filename));
  await events.save(document(__filename));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /not checked: .*ENOENT/);
});
