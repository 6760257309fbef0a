// VS Code's side: keywords are offered by the block the cursor is in, findings shown when a file is opened or saved.
"use strict";

const vscode = require("vscode");
const tree = require("./completions.json");
const { offers } = require("./blocks.js");
const { check, byFile } = require("./findings.js");

const LANGUAGE = "keepalived";

/** @param {import("vscode").ExtensionContext} context */
function activate(context) {
  const shown = vscode.languages.createDiagnosticCollection(LANGUAGE);
  const watch = new Watch(shown);
  context.subscriptions.push(
    shown,
    vscode.languages.registerCompletionItemProvider(LANGUAGE, { provideCompletionItems }, " "),
    vscode.workspace.onDidOpenTextDocument((document) => watch.look(document)),
    vscode.workspace.onDidSaveTextDocument((document) => watch.look(document)),
    vscode.workspace.onDidCloseTextDocument((document) => watch.forget(document)),
    { dispose: () => watch.stop() },
  );
  vscode.workspace.textDocuments.forEach((document) => watch.look(document));
}

function provideCompletionItems(document, position) {
  const before = document.getText(new vscode.Range(new vscode.Position(0, 0), position));
  return offers(tree, before).map(({ label, keyword }) => {
    if (keyword === undefined) return new vscode.CompletionItem(label, vscode.CompletionItemKind.Value);
    const kind = keyword.opens === undefined ? "Property" : "Struct";
    const item = new vscode.CompletionItem(label, vscode.CompletionItemKind[kind]);
    item.detail = keyword.takes;
    item.documentation = [keyword.doc, keyword.stage].filter(Boolean).join("\n\n");
    item.insertText = new vscode.SnippetString(keyword.snippet);
    // What is not acted on comes last.
    item.sortText = `${keyword.stage === undefined ? 0 : 1}${label}`;
    return item;
  });
}

/** Checks files, one run a file at a time, and shows what was found in them and in what they include. */
class Watch {
  constructor(shown) {
    this.shown = shown;
    this.runs = new Map(); // by checked file
    this.files = new Map(); // checked file to the files that its findings are in
    this.complained = false;
  }

  async look(document) {
    const settings = vscode.workspace.getConfiguration(LANGUAGE);
    if (document.languageId !== LANGUAGE || document.uri.scheme !== "file" || !settings.get("check")) return;
    const file = document.uri.fsPath;
    this.runs.get(file)?.stop();
    const run = check(settings.get("command"), settings.get("arguments"), file);
    this.runs.set(file, run);
    try {
      const found = await run.done;
      if (this.runs.get(file) === run) this.show(file, byFile(file, found, textOf));
    } catch (error) {
      if (this.runs.get(file) !== run || this.complained) return;
      this.complained = true;
      vscode.window.showWarningMessage(`keepalived.conf is not checked: ${error.message}`);
    }
  }

  show(file, found) {
    this.clear(file);
    for (const [name, findings] of found) this.shown.set(vscode.Uri.file(name), findings.map(diagnostic));
    this.files.set(file, [...found.keys()]);
  }

  clear(file) {
    for (const name of this.files.get(file) ?? []) this.shown.delete(vscode.Uri.file(name));
    this.files.delete(file);
  }

  forget(document) {
    const file = document.uri.fsPath;
    this.runs.get(file)?.stop();
    this.runs.delete(file);
    this.clear(file);
  }

  stop() {
    for (const run of this.runs.values()) run.stop();
    this.runs.clear();
  }
}

function textOf(file, line) {
  const document = vscode.workspace.textDocuments.find((open) => open.uri.fsPath === file);
  return document !== undefined && line < document.lineCount ? document.lineAt(line).text : undefined;
}

function range({ line, start, end }) {
  return new vscode.Range(new vscode.Position(line, start), new vscode.Position(line, end));
}

const SEVERITIES = { error: "Error", warning: "Warning", advice: "Information" };

function diagnostic(finding) {
  const severity = vscode.DiagnosticSeverity[SEVERITIES[finding.severity]];
  const made = new vscode.Diagnostic(range(finding), finding.message, severity);
  made.source = "kaltwisted";
  made.code = finding.rule;
  made.relatedInformation = finding.related.map(
    (other) =>
      new vscode.DiagnosticRelatedInformation(
        new vscode.Location(vscode.Uri.file(other.file), range(other)),
        other.message,
      ),
  );
  return made;
}

module.exports = { activate };
