import { EventBatch, type RawBatch } from "./batch.ts";
import { CaptureError } from "./errors.ts";
import type { Protocol } from "./protocol.ts";
import type { BarrierDone, BatchHandler } from "./reader.ts";

/** What a consumer needs of the reader; one reader serves one consumer per protocol. */
export interface BatchSource {
  handle(protocol: number, handler: BatchHandler | undefined): void;
  sync(): Promise<BarrierDone>;
}

/**
 * Hands the events of one protocol to a callback, once per batch, in order. `start`, `sync` and `stop` may be called in
 * any order and any number of times.
 *
 * The batch and its views read kernel data in place and are valid only during the callback: a later use throws
 * {@link ExpiredViewError}. The callback must not throw and should not block; what it keeps it must copy.
 *
 * @example
 * const consumer = new Consumer(reader, http, (events) => {
 *   for (const event of events) console.log(event.method, event.path, event.status);
 * });
 * consumer.start();
 */
export class Consumer<V> {
  readonly #source: BatchSource;
  readonly #protocol: Protocol<V>;
  readonly #callback: (events: EventBatch<V>) => void;
  #started = false;

  constructor(source: BatchSource, protocol: Protocol<V>, callback: (events: EventBatch<V>) => void) {
    this.#source = source;
    this.#protocol = protocol;
    this.#callback = callback;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#source.handle(this.#protocol.number, (batch) => this.#onBatch(batch));
  }

  /** Resolves when every event enqueued before the call has been through the callback. @throws CaptureError if not started */
  async sync(): Promise<BarrierDone> {
    if (!this.#started) throw new CaptureError(`cannot sync: the ${this.#protocol.name} consumer is not started`);
    return await this.#source.sync();
  }

  /** The callback is not called any more. Events that come while no consumer is started are read and let go. */
  stop(): void {
    if (!this.#started) return;
    this.#started = false;
    this.#source.handle(this.#protocol.number, undefined);
  }

  #onBatch(batch: RawBatch): void {
    if (!this.#protocol.fits(batch.eventSize)) {
      throw new CaptureError(
        `the kernel's ${this.#protocol.name} events of ${batch.eventSize} bytes are not those known here: rebuild`,
      );
    }
    this.#callback(new EventBatch(batch, this.#protocol.viewOf));
  }
}
