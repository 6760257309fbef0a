import assert from "node:assert/strict";
import { test } from "node:test";
import { eventReader } from "../../../kaltwisted/api/page/static/stream.mjs";

function read(...pieces) {
  const found = [];
  const reader = eventReader((event) => found.push(event));
  for (const piece of pieces) reader(piece);
  return found;
}

const TEXT = ": hello\n\nid: 1\nevent: instance\ndata: {\"a\":\ndata: 1}\n\nid: 2\r\ndata:x\r\n\r\n\r\rdata: y\r\revent: crlf\r\ndata: z\r\n\r\n:\n\nretry: 5\n\ndata: unfinished\n";
const WANTED = [
  { id: "1", event: "instance", data: '{"a":\n1}' },
  { id: "2", event: "message", data: "x" },
  { id: "2", event: "message", data: "y" },
  { id: "2", event: "crlf", data: "z" },
];

test("events, however the stream is cut into pieces", () => {
  assert.deepEqual(read(TEXT), WANTED);
  assert.deepEqual(read(...TEXT), WANTED);
  for (let at = 0; at <= TEXT.length; at += 1) assert.deepEqual(read(TEXT.slice(0, at), TEXT.slice(at)), WANTED, `cut at ${at}`);
});

test("an endless line ends the stream, not the page", () => {
  assert.throws(() => read("data: ", "x".repeat(2 ** 20)), /too long/);
});
