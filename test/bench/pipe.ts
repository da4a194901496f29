import { FLOOD_OBJECT, makeFlood } from "./flood.ts";
import { cpuSeconds, memory } from "./process-usage.ts";
import { hasSpans, hasSubscriber, MaybeSubscription, settle, startCollector, TAKERS, type Takers } from "./takers.ts";
import { Talker } from "./talker.ts";

/** A steady rate of transactions that a BPF program makes, through all of the service to those who take them. */
export interface PipeRun {
  takers: Takers;
  perSecond: number;
  seconds: number;
  /** Made in the kernel. */
  observed: number;
  /** 0 where nobody subscribed. */
  subscribed: number;
  /** 0 where there was no collector. */
  exported: number;
  /** In the subscriber's sequence. */
  breaks: number;
  serviceCpuSeconds: number;
  peakMb: number;
}

const LADDERS: Record<Takers, readonly number[]> = {
  subscriber: [200_000, 300_000, 400_000, 600_000],
  spans: [200_000, 300_000, 400_000, 600_000],
  both: [100_000, 150_000, 200_000, 300_000],
};
const QUICK_RUNGS = 1;
/** A rate is held if it was held once: the host of a virtual machine may take its CPUs away for longer than a ring lasts. */
const TRIES = 2;
const WARM_UP_PER_SECOND = 50_000;
/** Events that are sent again and again say nothing of delay. */
const TIMED_ONE_IN = 1_000_000;
/** Where the events say that they were served. */
const SERVER = { address: "127.0.0.1", port: 8080 };

export interface PipeOptions {
  seconds: number;
  warmUpSeconds: number;
  quick?: boolean;
  say(line: string): void;
}

/** Each rate in a service of its own, for each kind of takers up to the first at which anything was lost. */
export async function pipeRates({ seconds, warmUpSeconds, quick = false, say }: PipeOptions): Promise<PipeRun[]> {
  const collector = await startCollector();
  const runs: PipeRun[] = [];
  for (const takers of TAKERS) {
    for (const perSecond of LADDERS[takers].slice(0, quick ? QUICK_RUNGS : undefined)) {
      say(`${perSecond.toLocaleString("en")} transactions/s through the whole pipe to ${takers}`);
      const run = await pipeBest({ takers, perSecond, seconds, warmUpSeconds, collectorUrl: collector.url });
      runs.push(run);
      if (!isWhole(run)) break;
    }
  }
  await collector.end();
  return runs;
}

/** The highest rate that came through whole. */
export function highestWhole(runs: readonly PipeRun[], takers: Takers = "both"): PipeRun | undefined {
  return runs.findLast((run) => run.takers === takers && isWhole(run));
}

export function isWhole({ takers, observed, subscribed, exported, breaks }: PipeRun): boolean {
  const isSubscribed = !hasSubscriber(takers) || observed === subscribed;
  return isSubscribed && (!hasSpans(takers) || observed === exported) && breaks === 0;
}

interface PipeLoad extends Pick<PipeRun, "takers" | "perSecond" | "seconds"> {
  warmUpSeconds: number;
  collectorUrl: string;
}

async function pipeBest(load: PipeLoad): Promise<PipeRun> {
  let run = await pipeOnce(load);
  for (let tries = 1; tries < TRIES && !isWhole(run); tries++) run = await pipeOnce(load);
  return run;
}

async function pipeOnce({ takers, perSecond, seconds, warmUpSeconds, collectorUrl }: PipeLoad): Promise<PipeRun> {
  const service = new Talker("pipe-service.ts", [FLOOD_OBJECT, ...(hasSpans(takers) ? [collectorUrl] : [])]);
  const url = await service.hear<string>();
  const { pid } = service;
  const subscription = await MaybeSubscription.open(url, takers, SERVER);
  await makeFlood({ perSecond: WARM_UP_PER_SECOND, seconds: warmUpSeconds, pid });
  const before = await settle(url, takers, "flood");
  await subscription.begin(before.id, TIMED_ONE_IN);
  const cpuBefore = cpuSeconds(pid);
  await makeFlood({ perSecond, seconds, pid });
  const after = await settle(url, takers, "flood");
  const { events, breaks } = await subscription.report(after.id);
  const serviceCpuSeconds = cpuSeconds(pid) - cpuBefore;
  const { peakMb } = memory(pid);
  await subscription.close();
  await service.end();
  return {
    takers,
    perSecond,
    seconds,
    observed: after.observed - before.observed,
    subscribed: events,
    exported: after.exported - before.exported,
    breaks,
    serviceCpuSeconds,
    peakMb,
  };
}
