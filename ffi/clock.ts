/** Kernel time to wall-clock time, exactly: 64-bit nanoseconds do not fit a number, so they come as two halves. */

/** CLOCK_REALTIME minus CLOCK_MONOTONIC as whole seconds and 0 ≤ nanoseconds < 1e9. */
export interface ClockOffset {
  seconds: number;
  nanoseconds: number;
}

const BILLION = 1_000_000_000;
/** 2^32 ns = 4 s + this many ns. */
const HIGH_WORD_NANOSECONDS = 4294967296 - 4 * BILLION;

export function clockOffset(nanoseconds: bigint): ClockOffset {
  const billion = BigInt(BILLION);
  const rest = ((nanoseconds % billion) + billion) % billion;
  return { seconds: Number((nanoseconds - rest) / billion), nanoseconds: Number(rest) };
}

/**
 * `CLOCK_MONOTONIC` nanoseconds, as high and low 32-bit halves, to decimal nanoseconds since the Unix epoch.
 * Exact for every uptime below 900 years: no intermediate value reaches 2^53.
 */
export function toUnixNano(high: number, low: number, offset: ClockOffset): string {
  const scaled = high * HIGH_WORD_NANOSECONDS + low;
  const carried = Math.floor(scaled / BILLION);
  let nanoseconds = scaled - carried * BILLION + offset.nanoseconds;
  let seconds = high * 4 + carried + offset.seconds;
  if (nanoseconds >= BILLION) {
    nanoseconds -= BILLION;
    seconds += 1;
  }
  return `${seconds}${String(nanoseconds).padStart(9, "0")}`;
}
