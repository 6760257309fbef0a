/** What checks took, as long as the page is open: bounded, and forgotten with the check. */

export const KEPT = 40;
/** Pixels between two values, below which a line is only a scribble. */
const CLOSEST = 4;

/** A check's name within the page. */
export const keyOf = (server, index) => `${server.id} ${index}`;

/**
 * Keep what the latest status says of each check that ran since the last one.
 * @param {Map<string, {at: number, values: (number|null)[]}>} kept is changed; null is a check that failed
 */
export function remember(kept, shown) {
  const seen = new Set();
  for (const service of shown.services) {
    for (const server of service.servers) {
      server.checks.forEach((check, index) => {
        if (!check.has_run) return;
        const key = keyOf(server, index);
        seen.add(key);
        let entry = kept.get(key);
        if (!entry) kept.set(key, (entry = { at: -Infinity, values: [] }));
        if (!(check.last_run > entry.at)) return;
        entry.at = check.last_run;
        entry.values.push(check.up && Number.isFinite(check.latency_ms) ? check.latency_ms : null);
        if (entry.values.length > KEPT) entry.values.shift();
      });
    }
  }
  for (const key of kept.keys()) if (!seen.has(key)) kept.delete(key);
}

const round = (number) => Math.round(number * 10) / 10;

/**
 * A line from 0 at the bottom to the greatest value at the top, newest at the right; as many as have room.
 * @returns {{line: string, failures: number[], max: number}} a path, and the x of failed checks
 */
export function sparkline(values, width, height) {
  const step = Math.max(width / (KEPT - 1), CLOSEST);
  values = values.slice(-Math.floor(width / step) - 1);
  const max = Math.max(...values.filter((value) => value !== null), 0);
  const x = (index) => round(width - (values.length - 1 - index) * step);
  let line = "";
  let pen = false;
  const failures = [];
  values.forEach((value, index) => {
    if (value === null) {
      failures.push(x(index));
      pen = false;
      return;
    }
    const y = round(height - (max ? value / max : 0) * height);
    // A single value between failures is a dot: a line of no length with round ends.
    line += pen ? `L${x(index)} ${y}` : `M${x(index)} ${y}h0`;
    pen = true;
  });
  return { line, failures, max };
}
