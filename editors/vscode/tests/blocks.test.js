"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const tree = require("../completions.json");
const { placeIn, blockAt, offers } = require("../blocks.js");

const labels = (before) => offers(tree, before).map(({ label }) => label);

test("the blocks around a place, however the braces stand", () => {
  for (const [before, path] of [
    ["", []],
    ["vrrp_instance VI_1 {\n", ["vrrp_instance"]],
    ["vrrp_instance VI_1\n# why\n\n{\n  ", ["vrrp_instance"]],
    ["virtual_server 192.0.2.1 80 {\n real_server 10.0.0.1 80 { TCP_CHECK{", ["virtual_server", "real_server", "TCP_CHECK"]],
    ["virtual_server 192.0.2.1 80 { real_server ${NET}.1 80 { weight 1 }\n", ["virtual_server"]],
    ["global_defs {\n router_id a } # {\n", []],
    ['global_defs {\n router_id "}"\n', ["global_defs"]],
    ["global_defs {\n router_id \\# }\n", []],
    ["$CHECK=TCP_CHECK { \\\n retry 1 \\\n\nglobal_defs {\n", ["global_defs"]],
    ["@lb1 vrrp_instance VI_1 {\n", ["vrrp_instance"]],
    ["} } }\nglobal_defs {", ["global_defs"]],
  ]) {
    assert.deepEqual(placeIn(before).path, path, before);
  }
});

test("the words of the statement, the last one unfinished", () => {
  for (const [before, words] of [
    ["glo", ["glo"]],
    ["vrrp_instance V {\n  ", [""]],
    ["vrrp_instance V {\n  state ", ["state", ""]],
    ["vrrp_instance V {\n  @lb1 state MA", ["state", "MA"]],
    ["vrrp_instance V { state MASTER\r\n", [""]],
    ["virtual_ipaddress {\n ~SEQ(n, 1, 9) 192.0.2.$n d", ["192.0.2.$n", "d"]],
  ]) {
    assert.deepEqual(placeIn(before).words, words, before);
  }
});

test("every keyword is offered in its blocks and in no other", () => {
  const known = (name) => Object.entries(tree.blocks[name].keywords ?? {});
  const visit = (name, before) => {
    if (tree.blocks[name].values) return;
    const wanted = known(name).filter(([, keyword]) => !keyword.instead);
    assert.deepEqual(labels(before), wanted.map(([word]) => word), before);
    for (const [word, keyword] of wanted) {
      if (keyword.opens) visit(keyword.opens, `${before}${word} x {\n`);
    }
  };
  visit("", "");
});

test("words are offered behind a keyword that has a few", () => {
  assert.deepEqual(labels("vrrp_instance V {\n state "), ["MASTER", "BACKUP"]);
  assert.ok(labels("virtual_server 192.0.2.1 80 {\n lb_algo w").includes("wlc"));
  assert.deepEqual(labels("vrrp_instance V {\n interface "), []);
  assert.ok(labels("virtual_server 192.0.2.1 80 {\n lb_kind TUN ").includes("gue"));
});

test("nothing is offered in comments, strings, definitions and blocks that are none", () => {
  for (const before of [
    "# glo",
    "global_defs { # rou",
    'global_defs {\n router_id "a b',
    "$A=b",
    "nonsense {\n",
    "constructor {\n",
    "vrrp_instance V {\n constructor ",
  ]) {
    assert.deepEqual(labels(before), [], before);
  }
  assert.equal(blockAt(tree, ["global_defs", "router_id"]), null);
});
