// `kaltwisted check --json` run on a file, and its findings by file, with places as editors count them.
"use strict";

const { execFile } = require("node:child_process");
const path = require("node:path");

const LONGEST_MS = 30_000;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Check one file.
 * @returns {{done: Promise<Object>, stop: Function}} done: the document, see docs/check.schema.json; it fails
 *   with an Error that says why there is none.
 */
function check(command, more, file) {
  let child;
  const done = new Promise((resolve, reject) => {
    const options = { cwd: path.dirname(file), timeout: LONGEST_MS, maxBuffer: MOST_BYTES };
    child = execFile(command, ["check", "--json", ...more, file], options, (error, stdout, stderr) => {
      // Any status but 0 is an error to node; what counts is whether there is a document.
      try {
        resolve(JSON.parse(stdout));
      } catch {
        const last = stderr.trim().split("\n").pop();
        reject(new Error(last || error?.message || `${command} printed no JSON`));
      }
    });
  });
  return { done, stop: () => child.kill() };
}

/**
 * Findings by the absolute name of their file, lines and columns from 0.
 * @param {(file: string, line: number) => string | undefined} textOf a line, where it is known.
 */
function byFile(checked, document, textOf) {
  const found = new Map([[checked, []]]);
  const place = ({ file, line, column, width = 1 }) => {
    const name = path.resolve(path.dirname(checked), file);
    const text = textOf(name, line - 1);
    return {
      file: name,
      line: line - 1,
      start: units(text, column - 1),
      end: units(text, column - 1 + width),
    };
  };
  for (const finding of document.findings) {
    const at = place(finding);
    const expected = finding.expected === null ? null : `expected: ${finding.expected}`;
    if (!found.has(at.file)) found.set(at.file, []);
    found.get(at.file).push({
      ...at,
      severity: finding.severity,
      rule: finding.rule,
      message: [finding.message, expected, finding.suggestion].filter((said) => said !== null).join("\n"),
      related: finding.related.map((other) => ({ ...place(other), message: other.message })),
    });
  }
  return found;
}

/** UTF-16 units that the first characters (code points) of a line take. */
function units(text, characters) {
  if (text === undefined) return characters;
  return [...text].slice(0, characters).join("").length;
}

module.exports = { check, byFile };
