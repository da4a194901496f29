import type { Nginx } from "./nginx.ts";
import type { Memory } from "./process-usage.ts";
import { Service } from "./service.ts";
import type { Percentiles } from "./statistics.ts";
import { Subscription } from "./subscription.ts";
import type { Report } from "./tally.ts";
import { type Load, type LoadResult, wrk } from "./wrk.ts";

/** One load under the eyes of the service, from one barrier to another. */
export interface Window {
  load: LoadResult;
  /** By nginx's own count. */
  served: number;
  /** Received by the subscriber. */
  delivered: number;
  /** Of these, without a response: requests that wrk left behind, which nginx may not have counted. */
  unanswered: number;
  /** By the service's ledger, kernel and subscriber; reasons with a count of zero are left out. */
  dropped: Record<string, number>;
  /** Delivered after the barrier that says that all is delivered; zero unless something is missing there. */
  late: number;
  breaks: number;
  balanced: boolean;
  latencyMillis: Percentiles;
  serviceCpuSeconds: number;
  subscriberCpuSeconds: number;
  memory: Memory;
}

/** Requests that wrk left behind are still answered. */
export const SETTLE_MILLIS = 200;
/** At full load timing each would cost; a prime, so as not to keep step with the batches. */
const TIMED_AT_FULL_LOAD = 13;

/** The service with its one subscriber. */
export class Watch {
  readonly service: Service;
  readonly subscription: Subscription;
  readonly #nginx: Nginx;

  private constructor(service: Service, subscription: Subscription, nginx: Nginx) {
    this.service = service;
    this.subscription = subscription;
    this.#nginx = nginx;
  }

  /** @param settings of the service's command line */
  /** @param addresses where nginx is asked */
  static async start(nginx: Nginx, settings: readonly string[] = [], addresses = ["127.0.0.1"]): Promise<Watch> {
    const service = await Service.start(undefined, settings);
    const server = { address: addresses.join(), port: nginx.port };
    const subscription = await Subscription.open(service.url, server);
    return new Watch(service, subscription, nginx);
  }

  /** Everything before it has been received; what comes next is counted anew. */
  async begin(every: number): Promise<Record<string, number>> {
    const { receipt } = await this.service.sync();
    await this.subscription.report(receipt.id);
    this.subscription.begin(every);
    return receipt.protocols.http?.dropped ?? {};
  }

  measure(load: Load): Promise<Window> {
    return this.observe(() => wrk(load), load.pauseMillis ? 1 : TIMED_AT_FULL_LOAD);
  }

  /** @param every one transaction in so many is timed */
  async observe(run: () => Promise<LoadResult>, every = TIMED_AT_FULL_LOAD): Promise<Window> {
    const { service, subscription } = this;
    const droppedBefore = await this.begin(every);
    const servedBefore = await this.#nginx.count();
    const cpuBefore = [service.cpuSeconds(), subscription.cpuSeconds()] as const;
    const result = await run();
    await Bun.sleep(SETTLE_MILLIS);
    const served = (await this.#nginx.count()) - servedBefore;
    const { receipt } = await service.sync();
    const report = await subscription.report(receipt.id);
    const dropped = droppedSince(droppedBefore, receipt.protocols.http?.dropped ?? {}, report);
    return {
      load: result,
      served,
      delivered: report.events,
      unanswered: report.unanswered,
      dropped,
      late: served > report.events ? await this.#late(report.events) : 0,
      breaks: report.breaks,
      balanced: receipt.balanced,
      latencyMillis: report.latency,
      serviceCpuSeconds: service.cpuSeconds() - cpuBefore[0],
      subscriberCpuSeconds: subscription.cpuSeconds() - cpuBefore[1],
      memory: service.memory(),
    };
  }

  /** What the barrier did not wait for, as it should have. */
  async #late(delivered: number): Promise<number> {
    await Bun.sleep(SETTLE_MILLIS);
    const { receipt } = await this.service.sync();
    return (await this.subscription.report(receipt.id)).events - delivered;
  }

  async stop(): Promise<void> {
    await this.subscription.close();
    await this.service.stop();
  }
}

function droppedSince(before: Record<string, number>, after: Record<string, number>, { gaps }: Report) {
  const kernel = Object.entries(after).map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const);
  return Object.fromEntries([...kernel, ["subscriber", gaps] as const].filter(([, count]) => count > 0));
}
