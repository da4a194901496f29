/**
 * Ways of handing events over, with one parser and one traffic: what the program takes in the kernel, and the least that
 * a consumer takes in user space.
 * @module
 */

import { join } from "node:path";
import { bpfFlags } from "./bpf-build.ts";
import { output } from "./children.ts";
import { buildCConsumer, C_CONSUMER, NativeConsumer } from "./consumer.ts";
import type { Nginx } from "./nginx.ts";
import { OUTPUT } from "./output.ts";
import { keepRunStats, restoreRunStats, runTimes } from "./run-stats.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { wrk } from "./wrk.ts";

export const WAYS = {
  perfPages: { title: "pages of events to perf rings (the service's way)", defines: [] },
  perfEach: { title: "each event to a perf ring", defines: ["-DHANDOVER_EACH"] },
  ringPages: { title: "pages of events to a ring buffer", defines: ["-DHANDOVER_RING"] },
  ringEach: { title: "each event to a ring buffer", defines: ["-DHANDOVER_RING", "-DHANDOVER_EACH"] },
} as const;
export type WayName = keyof typeof WAYS;
export const WAY_NAMES = Object.keys(WAYS) as WayName[];

export interface HandoverCost {
  kernelNanosPerTransaction: number;
  userNanosPerEvent: number;
  requestsPerSecond: number;
  observed: number;
  /** Observed, and not received; what waits in a page is among it. */
  missing: number;
}

export interface HandoverFigures {
  rounds: Record<WayName, HandoverCost>[];
}

export interface HandoverOptions {
  nginx: Nginx;
  rounds: number;
  seconds: number;
  connections: number;
  say(line: string): void;
}

const RING_BYTES = 2 * 1024 * 1024;
const WARM_UP_SECONDS = 1;
const objectOf = (way: WayName) => join(OUTPUT, `handover-${way}.bpf.o`);

async function build(): Promise<void> {
  await buildCConsumer();
  const source = join(import.meta.dir, "handover.bpf.c");
  for (const way of WAY_NAMES)
    await output(["clang", ...bpfFlags(), ...WAYS[way].defines, "-c", source, "-o", objectOf(way)]);
}

/** Each way once a round; each round begins with another. */
export async function handoverCosts(options: HandoverOptions): Promise<HandoverFigures> {
  await build();
  const rounds: Record<WayName, HandoverCost>[] = [];
  keepRunStats(true);
  try {
    for (let round = 0; round < options.rounds; round++) {
      options.say(`ways of handing over, round ${round + 1} of ${options.rounds}`);
      const costs: Partial<Record<WayName, HandoverCost>> = {};
      for (let turn = 0; turn < WAY_NAMES.length; turn++) {
        const way = WAY_NAMES[(round + turn) % WAY_NAMES.length] as WayName;
        costs[way] = await costOf(way, options);
      }
      rounds.push(costs as Record<WayName, HandoverCost>);
    }
  } finally {
    restoreRunStats();
  }
  return { rounds };
}

async function costOf(way: WayName, { nginx, seconds, connections }: HandoverOptions): Promise<HandoverCost> {
  const options = { object: objectOf(way), stream: "http", ringBytes: RING_BYTES };
  const consumer = await NativeConsumer.start(C_CONSUMER, options);
  await wrk({ url: nginx.url, connections, seconds: WARM_UP_SECONDS });
  const before = await consumer.read();
  const timesBefore = await runTimes(consumer.pid);
  const servedBefore = await nginx.count();
  const load = await wrk({ url: nginx.url, connections, seconds });
  const served = (await nginx.count()) - servedBefore;
  const times = await runTimes(consumer.pid);
  const after = await consumer.read();
  await consumer.end();
  const filterNanos = (all: typeof times) => all.get("http_filter")?.nanos ?? Number.NaN;
  return {
    kernelNanosPerTransaction: (filterNanos(times) - filterNanos(timesBefore)) / served,
    userNanosPerEvent: ((after.cpuSeconds - before.cpuSeconds) * 1e9) / (after.received - before.received),
    requestsPerSecond: load.perSecond,
    observed: after.observed - before.observed,
    missing: after.observed - after.received - (before.observed - before.received),
  };
}

/** Over the rounds. */
export function handoverSpread({ rounds }: HandoverFigures, way: WayName, figure: keyof HandoverCost): Spread {
  return spreadOf(rounds.map((round) => round[way][figure]));
}

/** Kernel time, with the service's way as 1; each round by itself. */
export function timesPerfPages({ rounds }: HandoverFigures, way: WayName): Spread {
  return spreadOf(
    rounds.map((round) => round[way].kernelNanosPerTransaction / round.perfPages.kernelNanosPerTransaction),
  );
}
