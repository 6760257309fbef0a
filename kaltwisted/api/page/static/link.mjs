/**
 * The line to the daemon: the status again and again, events as they come, and how old what we have is.
 *
 * Events are read as a stream; while there is none (an old proxy, a lost line) they are asked for with each
 * status. A status that costs much is asked for less often, so that a page on ten thousand servers is no load.
 */
import { eventReader } from "./stream.mjs";

const CALM_S = 5;
const POLL_S = 2;
const HIDDEN_S = 60;
const SOON_S = 0.2;
const LONGEST_PAUSE_S = 15;
const ANSWER_S = 10;
/** The daemon sends a comment each 15 seconds. */
const SILENT_S = 40;

/** An answer of the API that is no success: its status and the daemon's sentence. */
export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

export class Link {
  /**
   * @param {object} world `fetch`, `now()` in seconds, `after(seconds, call)` that gives a function to cancel,
   *   `token()`, `hidden()`
   * @param {object} tell `status(doc)`, `events(list)`, `missed()` when the daemon has forgotten some, and
   *   `reach(state, why)` with state "connecting", "live", "polling", "unreachable" (no answer), "refused" (an answer,
   *   but not the state) or "token" (one is needed)
   */
  constructor(world, tell) {
    this.world = world;
    this.tell = tell;
    this.reach = null;
    this.lastId = 0;
    this.started = null;
    this.streaming = false;
    this.failures = 0;
    this.cost = 0;
    this.running = false;
    this.generation = 0;
    this.cancelNext = () => {};
    this.nextAt = Infinity;
    this.asking = false;
    this.askAgain = false;
  }

  /** Begin, or begin again with another token. */
  start() {
    this.stop();
    this.running = true;
    this.lastId = 0;
    this.failures = 0;
    this.#reach("connecting", null);
    this.#ask();
    this.#stream(0);
  }

  stop() {
    this.running = false;
    this.generation += 1;
    this.cancelNext();
    this.nextAt = Infinity;
    this.asking = false;
    this.streaming = false;
    this.#hangUp?.();
  }

  #hangUp = null;

  /** Ask for the status soon: something changed, or somebody came back to the page. */
  soon() {
    if (this.running && this.reach !== "token") this.#next(this.#soon());
  }

  /** What was dear to ask for is not asked for again at once. @returns {number} seconds */
  #soon() {
    return Math.max(SOON_S, Math.min(5, 4 * this.cost));
  }

  #reach(state, why) {
    if (state === this.reach && why === this.why) return;
    this.reach = state;
    this.why = why;
    this.tell.reach(state, why);
  }

  /** One request with the token, that must be answered within so many seconds. @returns {Promise<Response>} of status 2xx, or fails with Refused or a network's error */
  async request({ method = "GET", path, body, accept = "application/json", signal, within = ANSWER_S }) {
    const headers = { Accept: accept };
    const token = this.world.token();
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const stop = new AbortController();
    const over = this.world.after(within, () => stop.abort());
    signal?.addEventListener("abort", () => stop.abort());
    try {
      const answer = await this.world.fetch(path, {
        method, headers, signal: stop.signal, cache: "no-store", credentials: "omit", redirect: "error",
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      if (answer.ok) return answer;
      const said = await answer.text();
      let words = `${answer.status} ${answer.statusText}`.trim();
      try {
        const { error, remedy } = JSON.parse(said);
        words = [error ?? words, remedy].filter(Boolean).join(": ");
      } catch {
        // Not the daemon's words: a proxy's page, which nobody wants to read.
      }
      throw new Refused(answer.status, words);
    } finally {
      over();
    }
  }

  #next(seconds) {
    const at = this.world.now() + seconds;
    if (this.asking) {
      this.askAgain = true;
      return;
    }
    if (at >= this.nextAt) return;
    this.cancelNext();
    this.nextAt = at;
    this.cancelNext = this.world.after(seconds, () => {
      this.nextAt = Infinity;
      this.#ask();
    });
  }

  async #ask() {
    const generation = this.generation;
    this.asking = true;
    this.askAgain = false;
    const began = this.world.now();
    try {
      const answer = await this.request({ path: "api/v1/status" });
      const doc = await answer.json();
      if (generation !== this.generation) return;
      this.cost = this.world.now() - began;
      this.failures = 0;
      if (this.started !== null && this.started !== doc.daemon?.started) this.#restarted();
      this.started = doc.daemon?.started ?? null;
      this.tell.status(doc);
      if (!this.streaming) await this.#list();
      if (generation !== this.generation) return;
      this.#reach(this.streaming ? "live" : "polling", null);
    } catch (failure) {
      if (generation !== this.generation) return;
      this.#failed(failure);
    }
    this.asking = false;
    if (!this.running || this.reach === "token") return;
    const heavy = Math.min(60, 20 * this.cost);
    let pause = Math.max(this.streaming ? CALM_S : POLL_S, heavy);
    if (this.failures) pause = Math.min(LONGEST_PAUSE_S, 2 ** Math.min(this.failures - 1, 4));
    else if (this.askAgain) pause = this.#soon();
    else if (this.world.hidden()) pause = HIDDEN_S;
    this.#next(pause);
  }

  #failed(failure) {
    if (failure instanceof Refused && failure.status === 401) {
      const why = this.world.token() ? failure.message : null;
      this.stop();
      this.#reach("token", why);
      return;
    }
    this.failures += 1;
    if (failure instanceof Refused) this.#reach("refused", failure.message);
    else this.#reach("unreachable", "no answer");
  }

  /** Another daemon numbers its events anew. */
  #restarted() {
    this.lastId = 0;
    this.#hangUp?.();
  }

  #events(events) {
    const fresh = events.filter((each) => each && Number.isFinite(each.id) && each.id > this.lastId);
    if (!fresh.length) return;
    this.lastId = fresh[fresh.length - 1].id;
    this.tell.events(fresh);
  }

  /** Events as a list, while there is no stream. A daemon without this page of its API is no failure. */
  async #list() {
    try {
      const answer = await this.request({ path: `api/v1/events?after=${this.lastId}` });
      const { events, missed } = await answer.json();
      if (missed && this.lastId) this.tell.missed();
      this.#events(events);
    } catch (failure) {
      if (!(failure instanceof Refused) || failure.status === 401) throw failure;
    }
  }

  async #stream(failures) {
    const generation = this.generation;
    let heard = this.world.now();
    const stop = new AbortController();
    this.#hangUp = () => stop.abort();
    let watch = () => {};
    const watching = () => {
      watch = this.world.after(SILENT_S, () => (this.world.now() - heard >= SILENT_S - 1 ? stop.abort() : watching()));
    };
    let began = false;
    try {
      const answer = await this.request({ path: `api/v1/events?after=${this.lastId}`, accept: "text/event-stream", signal: stop.signal });
      if (!(answer.headers.get("Content-Type") ?? "").startsWith("text/event-stream")) throw new Error("no event stream");
      watching();
      let batch = [];
      const read = eventReader(({ event, data }) => {
        if (event !== "missed") batch.push(JSON.parse(data));
        else if (this.lastId) this.tell.missed();
      });
      const reader = answer.body.getReader();
      const decoder = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || generation !== this.generation) break;
        heard = this.world.now();
        if (!began) {
          began = true;
          this.streaming = true;
          if (this.reach === "polling") this.#reach("live", null);
        }
        read(decoder.decode(value, { stream: true }));
        if (batch.length) {
          this.#events(batch);
          batch = [];
          this.soon();
        }
      }
    } catch {
      // However it ended: polling takes over, and the status says whether the daemon is there.
    }
    watch();
    if (generation !== this.generation) return;
    stop.abort();
    this.streaming = false;
    if (began) this.soon();
    const tries = began ? 0 : failures + 1;
    this.world.after(Math.min(LONGEST_PAUSE_S, 2 ** Math.min(tries, 4)), () => {
      if (generation === this.generation && this.running) this.#stream(tries);
    });
  }
}
