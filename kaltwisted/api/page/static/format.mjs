/** Numbers and times as an engineer reads them. */

/** @param {number|null|undefined} seconds @returns {string} such as "8 s", "12 min", "3 h 20 min", "5 d 2 h" */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return min % 60 ? `${h} h ${min % 60} min` : `${h} h`;
  const d = Math.floor(h / 24);
  return h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
}

/** Time since `since`, both in seconds since 1970; a clock that differs from the daemon's gives no negative spans. */
export function age(since, now) {
  return Number.isFinite(since) ? span(now - since) : "–";
}

/** @returns {string} such as "0.42 ms", "12 ms", "1.3 s" */
export function latency(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

const two = (number) => String(number).padStart(2, "0");

/** The time of day, with the date where it is another day's. */
export function clock(at, now) {
  if (!Number.isFinite(at)) return "–";
  const when = new Date(at * 1000);
  const time = `${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`;
  const today = new Date(now * 1000);
  if (when.toDateString() === today.toDateString()) return time;
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())} ${time}`;
}

/** "1 server", "2 servers". */
export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

/** An address with its port as in a URL: IPv6 in brackets, no port where there is none. */
export function endpoint(address, port) {
  const host = String(address ?? "");
  if (!port) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Text cut to a width, with an ellipsis at the end.
 * @param {(text: string) => number} measure the width of a text in pixels
 */
export function fit(text, width, measure) {
  if (measure(text) <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (measure(`${text.slice(0, middle)}…`) <= width) low = middle;
    else high = middle - 1;
  }
  return low ? `${text.slice(0, low).trimEnd()}…` : "";
}
