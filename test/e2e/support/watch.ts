import { expect } from "bun:test";
import type { HttpEvent } from "../../../ffi/event.ts";
import type { Network } from "./network.ts";
import { Service } from "./service.ts";
import type { Subscriber } from "./subscriber.ts";

/** What a network test says of an event. */
export function summary({ client, server, method, path, status, outcome }: HttpEvent) {
  return {
    from: client.address,
    to: `${server.address} ${server.port}`,
    what: `${method} ${path} ${status} ${outcome}`,
  };
}

/** The service in a network, and all that it has reported there. */
export class Watch {
  readonly service: Service;
  readonly subscriber: Subscriber;

  private constructor(service: Service, subscriber: Subscriber) {
    this.service = service;
    this.subscriber = subscriber;
  }

  static async start(network: Network, ...flags: string[]): Promise<Watch> {
    const service = await Service.start(network, { flags });
    return new Watch(service, await service.subscribe());
  }

  /** Every event of what has ended by now. */
  async events(): Promise<HttpEvent[]> {
    const { id } = await this.service.sync();
    await this.subscriber.synced(id);
    return this.subscriber.eventsByStart;
  }

  /** Waits until as many events as `count` have come: for transactions whose end the client does not wait for. */
  async eventsWhen(count: number): Promise<HttpEvent[]> {
    while ((await this.events()).length < count);
    return this.events();
  }

  async summaries() {
    return (await this.events()).map(summary);
  }

  /** Everything that was seen could be followed and is accounted for. @param gaps where packets were lost there may be some */
  async expectNothingMissed(gaps: "no gaps" | "gaps" = "no gaps"): Promise<void> {
    const { imbalances, balanced, protocols, following } = await this.service.stats();
    const { connections: _, ...missed } = following.http as (typeof following)[string];
    expect({ imbalances, balanced, dropped: protocols.http?.dropped, ...missed }).toEqual({
      imbalances: [],
      balanced: true,
      dropped: {},
      unread: 0,
      refused: {},
      gaps: gaps === "gaps" ? expect.any(Number) : 0,
    });
  }
}
