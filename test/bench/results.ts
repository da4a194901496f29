import type { SyncDelay } from "./delay.ts";
import type { FanOutCosts } from "./fan-out.ts";
import type { Flood } from "./flood.ts";
import type { Machine } from "./machine.ts";
import type { ParserCost } from "./parser.ts";
import type { PipeRun } from "./pipe.ts";
import type { Memory } from "./process-usage.ts";
import type { ProgramCosts } from "./programs.ts";
import type { Settings } from "./settings.ts";
import type { SpanRound } from "./span-rates.ts";
import type { SpanWayName } from "./span-ways.ts";
import { type Percentiles, type Spread, spreadOf } from "./statistics.ts";
import type { Round } from "./throughput.ts";
import type { Window } from "./watched.ts";

/** All that was measured, each round as it was. */
export interface Measured {
  date: string;
  machine: Machine;
  settings: Settings;
  rounds: Round[];
  programs: ProgramCosts;
  parser: ParserCost[];
  quietMillis: Percentiles;
  moderate: Window;
  sync: { idle: SyncDelay; loaded: SyncDelay };
  /** Of one core. */
  idleCpuPercent: number;
  /** After all of the loads above in one life. */
  memory: Memory;
  clockErrorMillis: number;
  floods: Flood[];
  pipeRuns: PipeRun[];
  fanOut: FanOutCosts;
  spanRounds: SpanRound[];
}

export interface SpanCost {
  perSecond: Spread;
  /** By the CPU time of all threads of the sending process, so that what others do on that CPU does not count. */
  perCpuSecond: Spread;
  /** Times as many per CPU second as by the tracer. */
  ofTracer: Spread;
  bytes: number;
  peakMb: number;
}

/** Over the rounds; a ratio is taken within a round, then over the rounds. */
export interface Summary {
  noopOfUnwatched: Spread;
  aloneOfUnwatched: Spread;
  watchedOfUnwatched: Spread;
  watchedOfNoop: Spread;
  served: number;
  delivered: number;
  unanswered: number;
  /** Served and not delivered, in whichever watched window. */
  lost: number;
  dropped: Record<string, number>;
  breaks: number;
  balanced: boolean;
  loadedP50Millis: Spread;
  loadedP99Millis: Spread;
  loadedMaxMillis: Spread;
  serviceCpuPer100k: Spread;
  subscriberCpuPer100k: Spread;
  rssMb: number;
  peakMb: number;
  spans: Record<SpanWayName, SpanCost>;
}

export function summarize({ rounds, moderate, memory, spanRounds }: Measured): Summary {
  const watched = rounds.map((round) => round.watched);
  const windows = [...watched, moderate];
  const sum = (of: (window: Window) => number) => windows.reduce((total, window) => total + of(window), 0);
  const ratio = (of: (round: Round) => number) => spreadOf(rounds.map(of));
  const over = (of: (window: Window) => number) => spreadOf(watched.map(of));
  return {
    noopOfUnwatched: ratio(({ noop, unwatched }) => noop.perSecond / unwatched.perSecond),
    aloneOfUnwatched: ratio(({ alone, unwatched }) => alone.perSecond / unwatched.perSecond),
    watchedOfUnwatched: ratio(({ watched, unwatched }) => watched.load.perSecond / unwatched.perSecond),
    watchedOfNoop: ratio(({ watched, noop }) => watched.load.perSecond / noop.perSecond),
    served: sum(({ served }) => served),
    delivered: sum(({ delivered }) => delivered),
    unanswered: sum(({ unanswered }) => unanswered),
    lost: sum(({ served, delivered }) => Math.max(0, served - delivered)),
    dropped: droppedInAll(windows),
    breaks: sum(({ breaks }) => breaks),
    balanced: windows.every(({ balanced }) => balanced),
    loadedP50Millis: over(({ latencyMillis }) => latencyMillis.p50),
    loadedP99Millis: over(({ latencyMillis }) => latencyMillis.p99),
    loadedMaxMillis: over(({ latencyMillis }) => latencyMillis.max),
    serviceCpuPer100k: over(({ serviceCpuSeconds, served }) => (serviceCpuSeconds * 1e5) / served),
    subscriberCpuPer100k: over(({ subscriberCpuSeconds, served }) => (subscriberCpuSeconds * 1e5) / served),
    rssMb: Math.max(memory.rssMb, ...watched.map((window) => window.memory.rssMb)),
    peakMb: Math.max(memory.peakMb, ...watched.map((window) => window.memory.peakMb)),
    spans: {
      tracer: spanCost(spanRounds, "tracer"),
      readable: spanCost(spanRounds, "readable"),
      ours: spanCost(spanRounds, "ours"),
    },
  };
}

function spanCost(rounds: readonly SpanRound[], way: SpanWayName): SpanCost {
  const perCpuSecond = (name: SpanWayName) => (round: SpanRound) => round[name].spans / round[name].cpuSeconds;
  return {
    perSecond: spreadOf(rounds.map((round) => round[way].spans / round[way].seconds)),
    perCpuSecond: spreadOf(rounds.map(perCpuSecond(way))),
    ofTracer: spreadOf(rounds.map((round) => perCpuSecond(way)(round) / perCpuSecond("tracer")(round))),
    bytes: Math.max(...rounds.map((round) => round[way].bytesPerSpan)),
    peakMb: Math.max(...rounds.map((round) => round[way].peakMb)),
  };
}

function droppedInAll(windows: readonly Window[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const { dropped } of windows)
    for (const [reason, count] of Object.entries(dropped)) all[reason] = (all[reason] ?? 0) + count;
  return all;
}
