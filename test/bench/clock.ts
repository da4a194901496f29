/** The wall clock in milliseconds, with the resolution of the monotonic one; it starts where the wall clock was at start. */
export function wallMillis(): number {
  return performance.timeOrigin + performance.now();
}

const EDGES = 20;

/** @returns how far `wallMillis` is from the wall clock, as seen when that one ticks */
export function clockErrorMillis(): number {
  let error = -Infinity;
  for (let edge = 0; edge < EDGES; edge++) {
    const before = Date.now();
    let now = before;
    while (now === before) now = Date.now();
    // A glance comes late, never early: the greatest is the truest.
    error = Math.max(error, now - wallMillis());
  }
  return error;
}
