/**
 * How what watching costs grows: with the rate, with the connections, with the CPUs.
 * @module
 */

import { end, holdTo } from "./children.ts";
import { ADDRESSES, type Nginx, startNginx } from "./nginx.ts";
import { startNoop } from "./noop.ts";
import { keepRunStats, restoreRunStats, runTimes } from "./run-stats.ts";
import type { Percentiles } from "./statistics.ts";
import { Watch } from "./watched.ts";
import { type Load, wrk } from "./wrk.ts";

/** One load, under a filter that does nothing and watched with one JSON subscriber. */
export interface GrowthPoint {
  connections: number;
  pauseMillis?: readonly [min: number, max: number];
  /** Those that all of it shared. */
  cpus: number;
  noopPerSecond: number;
  watchedPerSecond: number;
  served: number;
  /** Served and not delivered. */
  lost: number;
  kernelNanos: number;
  noopKernelNanos: number;
  /** Of the service, for a transaction. */
  serviceCpuMicros: number;
  subscriberCpuMicros: number;
  delayMillis: Percentiles;
  rssMb: number;
  errors: number;
}

export interface GrowthFigures {
  /** Each value in each round. */
  byRate: GrowthPoint[];
  byConnections: GrowthPoint[];
  byCpus: GrowthPoint[];
}

export interface GrowthOptions {
  nginx: Nginx;
  rounds: number;
  seconds: number;
  /** Of the loads by rate and by CPUs. */
  connections: number;
  warmUpSeconds: number;
  quick: boolean;
  say(line: string): void;
}

const PAUSE = [1, 5] as const;
/** With the pause above: some 300 requests/s each, as long as the machine is not full. */
const RATE_CONNECTIONS = [4, 16, 64, 192];
const CONNECTIONS = [10, 100, 1000, 5000, 20_000];
const QUICK_CONNECTIONS = [5000];
const CPUS = ["0", "0,1"];
/** Opening them takes its time: the queue of connections to be accepted holds a few thousand, and who is refused comes
 * again after a second. */
const SECONDS_PER_CONNECTION = 1 / 4000;
const WARM_UP_CONNECTIONS = 16;
/** What wrk leaves behind is answered or forgotten by then. */
const SETTLE_MILLIS = 200;

export async function growth(options: GrowthOptions): Promise<GrowthFigures> {
  const { nginx, seconds, connections, warmUpSeconds, rounds, quick, say } = options;
  const figures: GrowthFigures = { byRate: [], byConnections: [], byCpus: [] };
  keepRunStats(true);
  try {
    for (let round = 0; round < rounds; round++) {
      for (const count of quick ? [] : RATE_CONNECTIONS) {
        say(`growth with the rate, ${count} connections with pauses, round ${round + 1} of ${rounds}`);
        figures.byRate.push(await point(nginx, { connections: count, seconds, pauseMillis: PAUSE }, 2, warmUpSeconds));
      }
      for (const count of quick ? QUICK_CONNECTIONS : CONNECTIONS) {
        say(`growth with connections, ${count}, round ${round + 1} of ${rounds}`);
        const opened = seconds + count * SECONDS_PER_CONNECTION;
        figures.byConnections.push(
          await point(nginx, { connections: count, seconds: Math.ceil(opened) }, 2, warmUpSeconds),
        );
      }
      for (const cpus of quick ? [] : CPUS) {
        say(`growth with CPUs, ${cpus}, round ${round + 1} of ${rounds}`);
        figures.byCpus.push(await heldPoint(cpus, { connections, seconds }, warmUpSeconds));
      }
    }
  } finally {
    restoreRunStats();
  }
  return figures;
}

/** Server, load, service and subscriber on these CPUs alone. */
async function heldPoint(cpus: string, load: Omit<Load, "url">, warmUpSeconds: number): Promise<GrowthPoint> {
  holdTo(cpus);
  try {
    const nginx = await startNginx();
    const held = await point(nginx, load, cpus.split(",").length, warmUpSeconds);
    await nginx.stop();
    return held;
  } finally {
    holdTo(undefined);
  }
}

async function point(
  nginx: Nginx,
  sizes: Omit<Load, "url">,
  cpus: number,
  warmUpSeconds: number,
): Promise<GrowthPoint> {
  const load = { ...sizes, url: nginx.url };
  const noop = await startNoop();
  const noopServedBefore = await nginx.count();
  const noopLoad = await wrk(load);
  const noopNanos = await programNanos(noop.pid);
  const noopServed = (await nginx.count()) - noopServedBefore;
  await end(noop);
  await Bun.sleep(SETTLE_MILLIS);

  const watch = await Watch.start(nginx, [], ADDRESSES);
  await wrk({ url: nginx.url, connections: WARM_UP_CONNECTIONS, seconds: warmUpSeconds });
  await Bun.sleep(SETTLE_MILLIS);
  const nanosBefore = await programNanos(watch.service.pid);
  const window = await watch.measure(load);
  const nanos = (await programNanos(watch.service.pid)) - nanosBefore;
  await watch.stop();
  const { served, delivered } = window;
  return {
    connections: load.connections,
    ...(load.pauseMillis && { pauseMillis: load.pauseMillis }),
    cpus,
    noopPerSecond: noopLoad.perSecond,
    watchedPerSecond: window.load.perSecond,
    served,
    lost: Math.max(0, served - delivered),
    kernelNanos: nanos / served,
    noopKernelNanos: noopNanos / noopServed,
    serviceCpuMicros: (window.serviceCpuSeconds * 1e6) / served,
    subscriberCpuMicros: (window.subscriberCpuSeconds * 1e6) / served,
    delayMillis: window.latencyMillis,
    rssMb: window.memory.rssMb,
    errors: noopLoad.errors + window.load.errors,
  };
}

/** Of all programs of the process, whichever way they are attached, in its life: it has seen no other load. */
async function programNanos(pid: number): Promise<number> {
  return [...(await runTimes(pid)).values()].reduce((sum, { nanos }) => sum + nanos, 0);
}
