import type { HttpEvent } from "../../../ffi/event.ts";
import type { Network } from "../../e2e/support/network.ts";
import { Service } from "../../e2e/support/service.ts";
import type { Subscriber } from "../../e2e/support/subscriber.ts";
import type { AccessLog, LoggedRequest } from "./access-log.ts";

/**
 * Room for what comes while clients and servers keep every CPU busy: what is missing here was missed by the parser. What
 * happens where there is too little room is another test's matter.
 */
const ROOM = ["--ring-kib=16384", "--queue-max=1048576"];

/** Kernelcast in a network, beside the access log of the servers in there. */
export class Watch {
  readonly #log: AccessLog;
  readonly #service: Service;
  readonly #subscriber: Subscriber;
  #taken = 0;

  private constructor(log: AccessLog, service: Service, subscriber: Subscriber) {
    this.#log = log;
    this.#service = service;
    this.#subscriber = subscriber;
  }

  /** Resolves when every later request in `network` will be seen. */
  static async open(network: Network, log: AccessLog): Promise<Watch> {
    const service = await Service.start(network, { flags: ROOM });
    return new Watch(log, service, await service.subscribe());
  }

  /**
   * All that was seen since the last call, and all that was logged since. The clients must have ended: what they read to its
   * end has been seen, and has been logged or is about to be.
   *
   * @param requests that were made, at least
   */
  async take(requests: number): Promise<{ events: HttpEvent[]; logged: LoggedRequest[] }> {
    await this.#sync();
    const events = this.#subscriber.events.slice(this.#taken);
    this.#taken += events.length;
    return { events, logged: await this.#log.take(Math.max(requests, events.length)) };
  }

  /** What must hold of everything since the beginning, as `SOUND` says it. */
  async soundness() {
    const { balanced, protocols } = await this.#sync();
    const { imbalances, following } = await this.#service.stats();
    const { events, gaps } = this.#subscriber;
    return {
      seen: events.length,
      protocols,
      firstOutOfSequence: events.find(({ seq }, index) => seq !== index + 1),
      gaps,
      balanced,
      imbalances,
      following: { ...following.http, connections: undefined },
    };
  }

  async #sync() {
    const receipt = await this.#service.sync();
    await this.#subscriber.synced(receipt.id);
    return receipt;
  }
}

/** Of a watch that has seen `count` transactions: each once, in sequence, nothing lost, and nothing taken for malformed. */
export function sound(count: number): Awaited<ReturnType<Watch["soundness"]>> {
  return {
    seen: count,
    protocols: { http: { observed: count, enqueued: count, delivered: count, dropped: {} } },
    firstOutOfSequence: undefined,
    gaps: [],
    balanced: true,
    imbalances: [],
    following: { connections: undefined, gaps: 0, unread: 0, refused: {} },
  };
}
