/**
 * A subscription whose way out is the body of an HTTP answer.
 * @module
 */

import type { Format } from "./format.ts";
import type { Payload } from "./frame.ts";
import type { Hub } from "./hub.ts";
import type { Subscriber } from "./subscriber.ts";
import type { SubscriptionRequest } from "./subscription.ts";
import type { Transport } from "./transport.ts";

/** What may wait in the stream before its reader counts as slow; then come the buffers of the operating system. */
const HIGH_WATER_BYTES = 64 * 1024;

class StreamTransport implements Transport {
  readonly #controller: ReadableStreamDefaultController<Uint8Array>;
  readonly #format: Format;
  #isSlow = false;

  constructor(controller: ReadableStreamDefaultController<Uint8Array>, format: Format) {
    this.#controller = controller;
    this.#format = format;
  }

  send(payload: Payload): number {
    // This may ask for more before it returns, which is no drain.
    this.#enqueue(payload);
    this.#isSlow = (this.#controller.desiredSize ?? 0) <= 0;
    return this.#isSlow ? -1 : payload.length;
  }

  /** There is room. Has it been waited for? */
  drained(): boolean {
    const wasSlow = this.#isSlow;
    this.#isSlow = false;
    return wasSlow;
  }

  close(code: number, reason: string): void {
    this.#enqueue(this.#format.control({ type: "end", code, reason }));
    this.#controller.close();
  }

  #enqueue(payload: Payload): void {
    this.#controller.enqueue(typeof payload === "string" ? Buffer.from(payload) : payload);
  }
}

/** Subscribes at once, and until it is cancelled. The hub must not be full. */
const subscriptionStream = (
  hub: Hub,
  wishes: SubscriptionRequest,
  format: Format,
  remoteAddress: string,
): ReadableStream<Uint8Array> => {
  let transport: StreamTransport;
  let subscriber: Subscriber | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        transport = new StreamTransport(controller, format);
        subscriber = hub.subscribe(transport, remoteAddress, { ...wishes, format });
      },
      pull() {
        if (transport.drained() && subscriber !== undefined) hub.drain(subscriber);
      },
      cancel() {
        if (subscriber !== undefined) hub.unsubscribe(subscriber);
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_BYTES }),
  );
};

export { subscriptionStream };
