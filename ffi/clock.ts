/** Kernel time to wall-clock time, exactly: 64-bit nanoseconds do not fit a number, so they come as two halves. */

/** CLOCK_REALTIME minus CLOCK_MONOTONIC as whole seconds and 0 ≤ nanoseconds < 1e9. */
export interface ClockOffset {
  seconds: number;
  nanoseconds: number;
}

const BILLION = 1_000_000_000;
/** 2^48 ns are this many seconds and nanoseconds; 2^32 ns are few enough to be multiplied by 16 bits. */
const TWO_TO_48 = { seconds: 281_474, nanoseconds: 976_710_656 };
const TWO_TO_32 = 2 ** 32;

export function clockOffset(nanoseconds: bigint): ClockOffset {
  const billion = BigInt(BILLION);
  const rest = ((nanoseconds % billion) + billion) % billion;
  return { seconds: Number((nanoseconds - rest) / billion), nanoseconds: Number(rest) };
}

/**
 * `CLOCK_MONOTONIC` nanoseconds, as high and low 32-bit halves, to decimal nanoseconds since the Unix epoch.
 * Exact for every 64-bit value: no intermediate one reaches 2^53 (65,535 · 0.98e9 + 65,535 · 2^32 + 2^32 < 4e14).
 */
export function toUnixNano(high: number, low: number, offset: ClockOffset): string {
  const top = high >>> 16;
  const scaled = top * TWO_TO_48.nanoseconds + (high & 0xffff) * TWO_TO_32 + low;
  const carried = Math.floor(scaled / BILLION);
  let nanoseconds = scaled - carried * BILLION + offset.nanoseconds;
  let seconds = top * TWO_TO_48.seconds + carried + offset.seconds;
  if (nanoseconds >= BILLION) {
    nanoseconds -= BILLION;
    seconds += 1;
  }
  return `${seconds}${String(nanoseconds).padStart(9, "0")}`;
}

/** The offset as a 64-bit number of nanoseconds in two's complement, in halves of 32 bits: high, low. */
export function clockHalves({ seconds, nanoseconds }: ClockOffset): [number, number] {
  const total = BigInt.asUintN(64, BigInt(seconds) * BigInt(BILLION) + BigInt(nanoseconds));
  return [Number(total >> 32n), Number(total & 0xffffffffn)];
}
