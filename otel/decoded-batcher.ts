/**
 * The plain way of a span: the event as an object, and everything else to the SDK when its request is sent.
 * @module
 */
import type { HttpEvent, RawHttpEvent } from "../ffi/event.ts";
import type { Batcher } from "./queue.ts";
import type { EventSampler } from "./sampler.ts";

/** OTLP forbids requests over 64 MiB; a span in JSON has 2 KB, and 8 with the longest of everything. */
const BATCH_EVENTS_MAX = 8192;

/** Its payload is the events. */
class DecodedBatcher implements Batcher<readonly HttpEvent[]> {
  readonly #sampler: EventSampler;
  #asked: HttpEvent | undefined;
  #events: HttpEvent[] = [];

  constructor(sampler: EventSampler) {
    this.#sampler = sampler;
  }

  wants(event: RawHttpEvent): boolean {
    this.#asked = event.decode();
    return this.#sampler.wants(this.#asked);
  }

  add(): void {
    if (this.#asked === undefined) throw new Error("add: expected the event to have been asked about");
    this.#events.push(this.#asked);
    this.#asked = undefined;
  }

  get isFull(): boolean {
    return this.#events.length >= BATCH_EVENTS_MAX;
  }

  take(): readonly HttpEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

export { DecodedBatcher };
