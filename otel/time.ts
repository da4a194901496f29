/**
 * Nanoseconds since the Unix epoch as the SDK's `[seconds, nanoseconds]`, exact to the nanosecond.
 * @module
 */
import type { HrTime } from "@opentelemetry/api";

const NANOS_PER_SECOND = 1_000_000_000;
const NANO_DIGITS = 9;

/** `unixNano` is a decimal string, since a present-day value exceeds 2^53. */
function hrTimeFromUnixNano(unixNano: string): HrTime {
  const split = unixNano.length - NANO_DIGITS;
  return split > 0 ? [Number(unixNano.slice(0, split)), Number(unixNano.slice(split))] : [0, Number(unixNano)];
}

/** A negative duration counts as zero: a span never ends before it starts. */
function addNanos(start: HrTime, durationNano: number): HrTime {
  const nanos = start[1] + Math.max(0, durationNano);
  return [start[0] + Math.floor(nanos / NANOS_PER_SECOND), nanos % NANOS_PER_SECOND];
}

/** A duration in nanoseconds; negative counts as zero. */
function hrTimeFromNanos(durationNano: number): HrTime {
  return addNanos([0, 0], durationNano);
}

export { addNanos, hrTimeFromNanos, hrTimeFromUnixNano };
