/**
 * The service as it is, under as many transactions as this machine can make and serve beside it.
 * @module
 */

import type { Nginx } from "./nginx.ts";
import { Service } from "./service.ts";
import { hasSpans, hasSubscriber, MaybeSubscription, settle, startCollector, TAKERS, type Takers } from "./takers.ts";
import { wrk } from "./wrk.ts";

export interface Saturation {
  takers: Takers;
  /** By nginx's own count. */
  served: number;
  perSecond: number;
  /** Served, and not received by the subscriber or not acknowledged by the collector. */
  lost: number;
  breaks: number;
  serviceCpuMicros: number;
  rssMb: number;
  peakMb: number;
}

export interface SaturationOptions {
  nginx: Nginx;
  rounds: number;
  seconds: number;
  connections: number;
  warmUpSeconds: number;
  say(line: string): void;
}

/** Requests that wrk left behind are still answered. */
const SETTLE_MILLIS = 200;
/** Delay is measured elsewhere. */
const TIMED_ONE_IN = 1_000_000;

/** All kinds of takers once a round, each in a service of its own. */
export async function saturationRounds(options: SaturationOptions): Promise<Saturation[]> {
  const collector = await startCollector();
  const runs: Saturation[] = [];
  for (let round = 0; round < options.rounds; round++) {
    options.say(`the service at saturation, round ${round + 1} of ${options.rounds}`);
    for (let turn = 0; turn < TAKERS.length; turn++) {
      const takers = TAKERS[(round + turn) % TAKERS.length] as Takers;
      runs.push(await saturate(takers, collector.url, options));
    }
  }
  await collector.end();
  return runs;
}

async function saturate(takers: Takers, collectorUrl: string, options: SaturationOptions): Promise<Saturation> {
  const { nginx, seconds, connections, warmUpSeconds } = options;
  const service = await Service.start(hasSpans(takers) ? collectorUrl : undefined);
  const server = { address: "127.0.0.1", port: nginx.port };
  const subscription = await MaybeSubscription.open(service.url, takers, server);
  await wrk({ url: nginx.url, connections, seconds: warmUpSeconds });
  await Bun.sleep(SETTLE_MILLIS);
  const before = await settle(service.url, takers, "http");
  await subscription.begin(before.id, TIMED_ONE_IN);
  const servedBefore = await nginx.count();
  const cpuBefore = service.cpuSeconds();
  const load = await wrk({ url: nginx.url, connections, seconds });
  await Bun.sleep(SETTLE_MILLIS);
  const served = (await nginx.count()) - servedBefore;
  const after = await settle(service.url, takers, "http");
  const { events, breaks } = await subscription.report(after.id);
  const cpuSeconds = service.cpuSeconds() - cpuBefore;
  const { rssMb, peakMb } = service.memory();
  await subscription.close();
  await service.stop();
  const received = [
    ...(hasSubscriber(takers) ? [events] : []),
    ...(hasSpans(takers) ? [after.exported - before.exported] : []),
  ];
  return {
    takers,
    served,
    perSecond: load.perSecond,
    lost: Math.max(0, served - Math.min(...received)),
    breaks,
    serviceCpuMicros: (cpuSeconds * 1e6) / served,
    rssMb,
    peakMb,
  };
}
