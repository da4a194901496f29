import type { PartialReceipt } from "../../server/schema.ts";
import { FLOOD_OBJECT, makeFlood } from "./flood.ts";
import { cpuSeconds, memory } from "./process-usage.ts";
import { Subscription } from "./subscription.ts";
import { Talker } from "./talker.ts";

/** A steady rate of transactions, each as JSON to one subscriber and as a span to a collector. */
export interface PipeRun {
  perSecond: number;
  seconds: number;
  /** Made in the kernel. */
  observed: number;
  subscribed: number;
  exported: number;
  /** In the subscriber's sequence. */
  breaks: number;
  serviceCpuSeconds: number;
  peakMb: number;
}

const RATES = [50_000, 100_000, 150_000, 200_000, 300_000];
const COLLECTOR_CPUS = "0,1";
const WARM_UP = { perSecond: 50_000, seconds: 2 };
/** Events that are sent again and again say nothing of delay. */
const TIMED_ONE_IN = 1_000_000;
/** Where the events say that they were served. */
const SERVER = { address: "127.0.0.1", port: 8080 };

/** Each rate in a service of its own, up to the first at which anything was lost. */
export async function pipeRates(seconds: number, say: (line: string) => void): Promise<PipeRun[]> {
  const collector = new Talker("span-sink.ts", [COLLECTOR_CPUS]);
  const collectorUrl = await collector.hear<string>();
  const runs: PipeRun[] = [];
  for (const perSecond of RATES) {
    say(`${perSecond.toLocaleString("en")} transactions/s to a subscriber and a collector`);
    const run = await pipeOnce({ perSecond, seconds, collectorUrl });
    runs.push(run);
    if (!isWhole(run)) break;
  }
  await collector.end();
  return runs;
}

/** The highest rate that came through whole. */
export function highestWhole(runs: readonly PipeRun[]): PipeRun | undefined {
  return runs.findLast(isWhole);
}

function isWhole({ observed, subscribed, exported, breaks }: PipeRun): boolean {
  return observed === subscribed && observed === exported && breaks === 0;
}

interface PipeLoad {
  perSecond: number;
  seconds: number;
  collectorUrl: string;
}

async function pipeOnce({ perSecond, seconds, collectorUrl }: PipeLoad): Promise<PipeRun> {
  const service = new Talker("pipe-service.ts", [FLOOD_OBJECT, collectorUrl]);
  const url = await service.hear<string>();
  const subscription = await Subscription.open(url, SERVER);
  await makeFlood({ ...WARM_UP, pid: service.pid });
  const before = await settle(url);
  await subscription.report(before.id);
  subscription.begin(TIMED_ONE_IN);
  const cpuBefore = cpuSeconds(service.pid);
  await makeFlood({ perSecond, seconds, pid: service.pid });
  const after = await settle(url);
  const { events, breaks } = await subscription.report(after.id);
  const serviceCpuSeconds = cpuSeconds(service.pid) - cpuBefore;
  const { peakMb } = memory(service.pid);
  await subscription.close();
  await service.end();
  return {
    perSecond,
    seconds,
    observed: observedOf(after) - observedOf(before),
    subscribed: events,
    exported: after.spans.exported - before.spans.exported,
    breaks,
    serviceCpuSeconds,
    peakMb,
  };
}

/** A barrier through all of the pipe, the collector included; what was lost on the way is in the figures. */
async function settle(url: string): Promise<PartialReceipt> {
  const response = await fetch(`${url}/sync?wait=export`, { method: "POST" });
  return (await response.json()) as PartialReceipt;
}

const observedOf = ({ protocols }: PartialReceipt): number => protocols.flood?.observed ?? 0;
