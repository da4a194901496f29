import { NOOP, UNWATCHED } from "./observers.ts";
import type { Lap, SideBySide } from "./side-by-side.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import type { Pace, Traffic } from "./traffic.ts";

/** One observer under one kind of traffic, over the rounds. A ratio is taken within a round. */
export interface Row {
  observer: string;
  ours: boolean;
  perSecond: Spread;
  ofUnwatched: Spread;
  ofNoop: Spread;
  p50Micros: Spread;
  p99Micros: Spread;
  p99OfUnwatched: Spread;
  /** Of the observer's processes, for a transaction; nothing if it has none. */
  ownMicros?: Spread;
  /** Of its subscriber. */
  subscriberMicros?: Spread;
  /** What the whole machine takes for a transaction beyond what it takes unwatched. */
  addedMicros: Spread;
  /** Nothing if it does not look at transactions. */
  shown?: Completeness;
}

export interface Completeness {
  served: number;
  /** Of these, in all rounds; what is reported beyond in one does not make up for what is missing in another. */
  missing: number;
}

/** Those observers that have gone through it, in their order. */
export function rowsOf(figures: SideBySide, kind: Traffic["kind"], pace: Pace): Row[] {
  const laps = figures.laps.filter((lap) => lap.kind === kind && lap.pace === pace);
  return figures.observers.flatMap(({ name, ours }) => {
    const own = laps.filter(({ observer }) => observer === name);
    return own.length === 0 ? [] : [rowOf(name, ours, own, laps)];
  });
}

function rowOf(observer: string, ours: boolean, own: readonly Lap[], laps: readonly Lap[]): Row {
  const over = (of: (lap: Lap) => number) => spreadOf(own.map(of));
  const against = (other: string, of: (lap: Lap, base: Lap) => number) => {
    const values = own.flatMap((lap) => {
      const base = laps.find((one) => one.observer === other && one.round === lap.round);
      return base ? [of(lap, base)] : [];
    });
    // Without the other there is nothing to hold it against.
    return values.length === 0 ? { median: Number.NaN, min: Number.NaN, max: Number.NaN } : spreadOf(values);
  };
  const micros = (of: (lap: Lap) => number | undefined): Spread | undefined =>
    own.some((lap) => of(lap) === undefined)
      ? undefined
      : over((lap) => ((of(lap) ?? 0) * 1e6) / Math.max(1, lap.served));
  const busyMicros = ({ busySeconds, served }: Lap) => (busySeconds * 1e6) / Math.max(1, served);
  const throughput = (lap: Lap, base: Lap) => lap.load.perSecond / base.load.perSecond;
  const [ownMicros, subscriberMicros] = [micros((lap) => lap.cpuSeconds), micros((lap) => lap.subscriberCpuSeconds)];
  const shown = completenessOf(own);
  return {
    observer,
    ours,
    perSecond: over(({ load }) => load.perSecond),
    ofUnwatched: against(UNWATCHED, throughput),
    ofNoop: against(NOOP, throughput),
    p50Micros: over(({ load }) => load.p50Micros),
    p99Micros: over(({ load }) => load.p99Micros),
    p99OfUnwatched: against(UNWATCHED, (lap, base) => lap.load.p99Micros / base.load.p99Micros),
    ...(ownMicros ? { ownMicros } : {}),
    ...(subscriberMicros ? { subscriberMicros } : {}),
    addedMicros: against(UNWATCHED, (lap, base) => busyMicros(lap) - busyMicros(base)),
    ...(shown ? { shown } : {}),
  };
}

/** @returns undefined if nothing is known of what was reported */
export function completenessOf(laps: readonly Lap[]): Completeness | undefined {
  if (laps.length === 0 || laps.some(({ reported }) => reported === undefined)) return undefined;
  return {
    served: laps.reduce((sum, { served }) => sum + served, 0),
    missing: laps.reduce((sum, { served, reported = 0 }) => sum + Math.max(0, served - reported), 0),
  };
}

/** In percent, never rounded up to all of it. */
export function percentShown({ served, missing }: Completeness): string {
  if (missing === 0) return "100 %";
  return `${(Math.floor(((served - missing) * 10_000) / served) / 100).toFixed(2)} %`;
}
