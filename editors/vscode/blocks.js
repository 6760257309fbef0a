// Where in a keepalived.conf a place is: which blocks are open there, and which words stand before it.
"use strict";

// keepalived's words: quotes keep blanks and marks, a back-slash keeps a mark, ${...} keeps braces.
const TOKEN = /[ \t\r]+|"[^"]*"?|[{}]|[#!].*|(?:\\[#!]|\$\{[^{}"\s]*\}|[^ \t\r"{}#!])+/g;
// What may stand before the keyword of a line.
const PREFIX = /^[ \t]*(?:@\^?\S+[ \t]+|~(?:SEQx?|LST)[ \t]*\([^)]*\)[ \t]*)+/;
const DEFINITION = /^[ \t]*(?:@\^?\S+[ \t]+)?\$[A-Za-z_]\w*=/;

/**
 * @param {string} before the text from the beginning of the file to the place.
 * @returns {{path: string[], words: string[], quiet: boolean}} path: the words that opened the blocks around
 *   the place; words: those of its statement, the last one unfinished; quiet: in a comment, string or definition.
 */
function placeIn(before) {
  const path = [];
  let words = [];
  let quiet = false;
  let waiting = null; // the keyword of a line that ended without a brace, which the next may bring
  let continued = false;
  for (const whole of before.split("\n")) {
    const defines = continued || DEFINITION.test(whole);
    continued = defines && /\\\r?$/.test(whole);
    words = [];
    quiet = defines;
    if (defines) continue;
    const line = whole.replace(PREFIX, "");
    let unfinished = false;
    for (const [token] of line.matchAll(TOKEN)) {
      unfinished = false;
      if (token === "{") {
        path.push(words[0] ?? waiting ?? "");
        words = [];
        waiting = null;
      } else if (token === "}") {
        path.pop();
        words = [];
        waiting = null;
      } else if (/^[#!]/.test(token)) {
        quiet = true;
      } else if (/\S/.test(token)) {
        quiet = token.startsWith('"') && (token.length === 1 || !token.endsWith('"'));
        words.push(token);
        unfinished = true;
      }
    }
    waiting = words[0] ?? waiting;
    if (!unfinished) words = [...words, ""];
  }
  return { path, words, quiet };
}

/**
 * @param {{blocks: Object}} tree completions.json.
 * @param {string[]} path words that opened blocks, from the top.
 * @returns the block that they lead to, or null where one of them opens none.
 */
function blockAt(tree, path) {
  let name = "";
  for (const word of path) {
    const opens = Object.hasOwn(tree.blocks[name].keywords ?? {}, word)
      ? tree.blocks[name].keywords[word].opens
      : undefined;
    if (opens === undefined) return null;
    name = opens;
  }
  return tree.blocks[name];
}

/**
 * What may stand at a place.
 * @returns {Array<{label: string, keyword?: Object}>} keywords of the block with what is known of them, or words.
 */
function offers(tree, before) {
  const { path, words, quiet } = placeIn(before);
  const block = quiet ? null : blockAt(tree, path);
  if (block === null) return [];
  if (block.values) return words.length > 1 ? (block.options ?? []).map((label) => ({ label })) : [];
  const keywords = block.keywords ?? {};
  if (words.length <= 1) {
    return Object.entries(keywords)
      .filter(([, keyword]) => !keyword.instead)
      .map(([label, keyword]) => ({ label, keyword }));
  }
  const keyword = Object.hasOwn(keywords, words[0]) ? keywords[words[0]] : {};
  const choices = (words.length === 2 ? keyword.choices : keyword.options) ?? [];
  return choices.map((label) => ({ label }));
}

module.exports = { placeIn, blockAt, offers };
