/** The middle, and how far apart the rounds lie. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** What a latency looks like; `count` says how much a percentile can mean. */
export interface Percentiles {
  count: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

/** @param values at least one */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = ascending(values);
  return { median: quantile(sorted, 0.5), min: quantile(sorted, 0), max: quantile(sorted, 1) };
}

/** All zero if there are no values. */
export function percentilesOf(values: readonly number[]): Percentiles {
  if (values.length === 0) return { count: 0, p50: 0, p99: 0, p999: 0, max: 0 };
  const sorted = ascending(values);
  const at = (share: number) => quantile(sorted, share);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

function ascending(values: readonly number[]): Float64Array {
  if (values.length === 0) throw new RangeError("expected at least one value");
  return Float64Array.from(values).sort();
}

/** Linear between the two nearest ranks. */
function quantile(sorted: Float64Array, share: number): number {
  const rank = (sorted.length - 1) * share;
  const below = sorted[Math.floor(rank)] ?? Number.NaN;
  const above = sorted[Math.ceil(rank)] ?? Number.NaN;
  return below + (above - below) * (rank - Math.floor(rank));
}
