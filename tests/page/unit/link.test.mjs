import assert from "node:assert/strict";
import { test } from "node:test";
import { Link } from "../../../kaltwisted/api/page/static/link.mjs";

/** Time that passes when it is told to, and a daemon that answers as it is told. */
class World {
  constructor() {
    this.time = 1000;
    this.calls = [];
    this.asked = [];
    this.secret = null;
    this.isHidden = false;
    this.answers = {};
    this.told = { status: [], events: [], reach: [], missed: 0 };
    const { told } = this;
    this.link = new Link(
      {
        fetch: (path, options) => this.#fetch(path, options),
        now: () => this.time,
        after: (seconds, call) => {
          const entry = { at: this.time + seconds, call };
          this.calls.push(entry);
          return () => (this.calls = this.calls.filter((each) => each !== entry));
        },
        token: () => this.secret,
        hidden: () => this.isHidden,
      },
      { status: (doc) => told.status.push(doc), events: (list) => told.events.push(...list), missed: () => (told.missed += 1), reach: (state, why) => told.reach.push(why ? [state, why] : state) },
    );
  }

  async #fetch(path, options) {
    const kind = options.headers.Accept === "text/event-stream" ? "stream" : path.split("?")[0].split("/").at(-1);
    this.asked.push({ kind, path, token: options.headers.Authorization, at: this.time });
    const answer = this.answers[kind];
    if (!answer) throw new TypeError("Failed to fetch");
    return answer(options);
  }

  async settle() {
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    await new Promise((done) => setImmediate(done));
  }

  async pass(seconds) {
    const end = this.time + seconds;
    for (;;) {
      await this.settle();
      const next = this.calls.filter((each) => each.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.calls = this.calls.filter((each) => each !== next);
      this.time = next.at;
      next.call();
    }
    this.time = end;
    await this.settle();
  }

  count(kind) {
    return this.asked.filter((each) => each.kind === kind).length;
  }
}

const json = (value, status = 200) => () => new Response(JSON.stringify(value), { status });
const DOC = { daemon: { started: 1 } };
const event = (id) => ({ id, at: 5, kind: "instance", name: "a", from: "BACKUP", to: "MASTER", why: null });

/** A stream to write into. */
function stream() {
  const found = { aborted: false };
  found.answer = ({ signal }) => {
    const body = new ReadableStream({ start: (controller) => (found.controller = controller) });
    signal.addEventListener("abort", () => {
      found.aborted = true;
      try {
        found.controller.error(new Error("aborted"));
      } catch {
        // It has ended already.
      }
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  };
  found.send = (text) => found.controller.enqueue(new TextEncoder().encode(text));
  return found;
}

test("with a stream the status is asked for at once when something happens, else now and then", async () => {
  const world = new World();
  const line = stream();
  world.answers = { status: json(DOC), stream: line.answer };
  world.link.start();
  await world.settle();
  line.send(": hello\n\n");
  await world.pass(1);
  assert.deepEqual(world.told.reach.at(-1), "live");
  const before = world.count("status");
  line.send(`id: 1\ndata: ${JSON.stringify(event(1))}\n\n`);
  await world.pass(0.3);
  assert.equal(world.count("status"), before + 1);
  assert.deepEqual(world.told.events, [event(1)]);
  const calm = world.count("status");
  for (let n = 0; n < 10; n += 1) {
    line.send(":\n\n");
    await world.pass(3);
  }
  assert.equal(world.count("status"), calm + 6);
});

test("an answer that costs much is asked for less often", async () => {
  const world = new World();
  const line = stream();
  world.answers = { stream: line.answer, status: async () => ((world.time += 1), json(DOC)()) };
  world.link.start();
  await world.settle();
  for (let n = 0; n < 20; n += 1) {
    line.send(":\n\n");
    await world.pass(5);
  }
  assert.ok(world.count("status") <= 7, `${world.count("status")} in 100 s`);
});

test("without a stream events come with the status, each once", async () => {
  const world = new World();
  const list = [event(1), event(2)];
  world.answers = { status: json(DOC), stream: json({}, 404), events: ({}) => json({ events: list })() };
  world.link.start();
  await world.pass(5);
  assert.equal(world.told.reach.at(-1), "polling");
  assert.deepEqual(world.told.events.map((each) => each.id), [1, 2]);
  list.push(event(3));
  await world.pass(3);
  assert.deepEqual(world.told.events.map((each) => each.id), [1, 2, 3]);
  assert.ok(world.asked.some((each) => each.path === "api/v1/events?after=3"));
});

test("a daemon that is gone is said to be, is asked again ever less often, and is found again", async () => {
  const world = new World();
  world.link.start();
  await world.pass(1);
  assert.deepEqual(world.told.reach.at(-1), ["unreachable", "no answer"]);
  await world.pass(120);
  const late = world.asked.filter((each) => each.kind === "status").map((each) => each.at);
  assert.ok(late.at(-1) - late.at(-2) === 15, `${late}`);
  world.answers = { status: json(DOC), stream: json({}, 404), events: json({ events: [] }) };
  await world.pass(15);
  assert.equal(world.told.reach.at(-1), "polling");
});

test("an answer that never comes is no answer", async () => {
  const world = new World();
  world.answers.status = ({ signal }) => new Promise((_, fail) => signal.addEventListener("abort", () => fail(new Error("aborted"))));
  world.link.start();
  await world.pass(9);
  assert.deepEqual(world.told.reach, ["connecting"]);
  await world.pass(2);
  assert.deepEqual(world.told.reach.at(-1), ["unreachable", "no answer"]);
});

test("a stream that is silent for too long is given up", async () => {
  const world = new World();
  const line = stream();
  world.answers = { status: json(DOC), stream: line.answer, events: json({ events: [] }) };
  world.link.start();
  await world.settle();
  line.send(":\n\n");
  await world.pass(30);
  assert.equal(line.aborted, false);
  await world.pass(60);
  assert.equal(line.aborted, true);
  assert.ok(world.count("stream") > 1);
});

test("a refusal is told in the daemon's words, and is no silence", async () => {
  const world = new World();
  world.answers = { status: json({ error: "no tokens over plain HTTP", remedy: "use https" }, 403), stream: json({}, 403) };
  world.link.start();
  await world.pass(1);
  assert.deepEqual(world.told.reach.at(-1), ["refused", "no tokens over plain HTTP: use https"]);
});

test("a token is asked for, and nothing is asked of the daemon meanwhile", async () => {
  const world = new World();
  world.answers = { status: json({ error: "not for everybody", remedy: "send a token" }, 401), stream: json({}, 401) };
  world.link.start();
  await world.pass(1);
  assert.deepEqual(world.told.reach, ["connecting", "token"]);
  const before = world.asked.length;
  await world.pass(300);
  world.link.soon();
  await world.pass(10);
  assert.equal(world.asked.length, before);
  world.secret = "t0ken";
  world.answers = { status: json(DOC), stream: json({}, 404), events: json({ events: [] }) };
  world.link.start();
  await world.pass(1);
  assert.equal(world.asked.at(-1).token, "Bearer t0ken");
  assert.equal(world.told.reach.at(-1), "polling");
});

test("a wrong token is refused with the daemon's words", async () => {
  const world = new World();
  world.secret = "wrong";
  world.answers = { status: json({ error: "this token is not known" }, 401), stream: json({}, 401) };
  world.link.start();
  await world.pass(1);
  assert.deepEqual(world.told.reach.at(-1), ["token", "this token is not known"]);
});

test("what the daemon has forgotten is told, unless it is of before we came", async () => {
  const world = new World();
  const line = stream();
  world.answers = { status: json(DOC), stream: line.answer };
  world.link.start();
  await world.settle();
  line.send("event: missed\ndata: {}\n\n");
  line.send(`id: 7\ndata: ${JSON.stringify(event(7))}\n\n`);
  await world.pass(1);
  assert.equal(world.told.missed, 0);
  line.send("event: missed\ndata: {}\n\n");
  await world.pass(1);
  assert.equal(world.told.missed, 1);
  assert.deepEqual(world.told.events.map((each) => each.id), [7]);
});

test("another daemon's events are taken from its first one on", async () => {
  const world = new World();
  let started = 1;
  let list = [event(1), event(2), event(3)];
  world.answers = { status: () => json({ daemon: { started } })(), stream: json({}, 404), events: () => json({ events: list })() };
  world.link.start();
  await world.pass(3);
  started = 2;
  list = [event(1)];
  await world.pass(3);
  assert.deepEqual(world.told.events.map((each) => each.id), [1, 2, 3, 1]);
});

test("a page that nobody sees asks seldom, and at once when it is seen again", async () => {
  const world = new World();
  world.isHidden = true;
  world.answers = { status: json(DOC), stream: json({}, 404), events: json({ events: [] }) };
  world.link.start();
  await world.pass(300);
  assert.ok(world.count("status") <= 6);
  const before = world.count("status");
  world.isHidden = false;
  world.link.soon();
  await world.pass(1);
  assert.equal(world.count("status"), before + 1);
});
