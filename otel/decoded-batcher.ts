/**
 * The plain way of a span: the event as an object, and everything else to the SDK when its request is sent.
 * @module
 */
import type { HttpEvent, RawHttpEvent } from "../ffi/event.ts";
import { Caller } from "./caller.ts";
import type { Batcher } from "./queue.ts";
import type { EventSampler } from "./sampler.ts";

/** OTLP forbids requests over 64 MiB; a span in JSON has 2 KB, and 8 with the longest of everything. */
const BATCH_EVENTS_MAX = 8192;

/** Its payload is the events. */
class DecodedBatcher implements Batcher<readonly HttpEvent[]> {
  readonly #sampler: EventSampler;
  readonly #caller = new Caller();
  #events: HttpEvent[] = [];

  constructor(sampler: EventSampler) {
    this.#sampler = sampler;
  }

  wants(event: RawHttpEvent): boolean {
    const caller = this.#caller;
    caller.read(event);
    return this.#sampler.decide(event.seq, caller.isKnown ? caller : undefined);
  }

  add(event: RawHttpEvent): void {
    this.#events.push(event.decode());
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
