import { Subscription } from "./subscription.ts";
import { Talker } from "./talker.ts";

/** Who takes the events of a load. */
export type Takers = "subscriber" | "spans" | "both";
export const TAKERS: readonly Takers[] = ["subscriber", "spans", "both"];

export const TAKERS_TITLE: Record<Takers, string> = {
  subscriber: "one JSON subscriber",
  spans: "spans to a collector",
  both: "both",
};

export const hasSubscriber = (takers: Takers): boolean => takers !== "spans";
export const hasSpans = (takers: Takers): boolean => takers !== "subscriber";

const COLLECTOR_CPUS = "0,1";

/** A collector that takes everything, of a process of its own. */
export async function startCollector(): Promise<{ url: string; end(): Promise<void> }> {
  const collector = new Talker("span-sink.ts", [COLLECTOR_CPUS]);
  const url = await collector.hear<string>();
  return { url, end: () => collector.end() };
}

/** What a service says that it counted, at a moment at which nothing is on its way. */
export interface Settled {
  id: number;
  observed: number;
  exported: number;
}

/** A barrier through the whole pipe, the collector included if there is one. */
export async function settle(url: string, takers: Takers, protocol: string): Promise<Settled> {
  const response = await fetch(`${url}/sync${hasSpans(takers) ? "?wait=export" : ""}`, { method: "POST" });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST /sync: ${response.status} ${text}`);
  const { id, protocols, spans } = JSON.parse(text);
  return { id, observed: protocols[protocol]?.observed ?? 0, exported: spans?.exported ?? 0 };
}

/** The subscriber, where there is one; every method then does nothing and counts nothing. */
export class MaybeSubscription {
  readonly #subscription: Subscription | undefined;

  private constructor(subscription: Subscription | undefined) {
    this.#subscription = subscription;
  }

  static async open(url: string, takers: Takers, server: { address: string; port: number }) {
    return new MaybeSubscription(hasSubscriber(takers) ? await Subscription.open(url, server) : undefined);
  }

  /** Counts anew from behind a barrier. */
  async begin(afterSync: number, timedOneIn: number): Promise<void> {
    await this.#subscription?.report(afterSync);
    this.#subscription?.begin(timedOneIn);
  }

  async report(afterSync: number): Promise<{ events: number; breaks: number }> {
    return (await this.#subscription?.report(afterSync)) ?? { events: 0, breaks: 0 };
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
  }
}
