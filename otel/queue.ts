/**
 * The events that wait to become spans.
 * @module
 */
import type { HttpEvent } from "../ffi/event.ts";

/** A run of queued events in order, with the trace id of each where one had to be chosen before (see `sampler.ts`). */
interface SpanBatch {
  events: readonly HttpEvent[];
  traceIds: readonly (string | undefined)[];
  /** Position of the first event among all that were ever queued. */
  first: number;
}

/**
 * A bounded first-in, first-out queue. It holds events rather than spans: a span costs microseconds and an event that is
 * dropped should cost nothing. Slots are reused, so memory is that of the events held.
 */
class EventQueue {
  readonly #capacity: number;
  readonly #events: (HttpEvent | undefined)[] = [];
  readonly #traceIds: (string | undefined)[] = [];
  #head = 0;
  #tail = 0;

  constructor(capacity: number) {
    if (!(Number.isSafeInteger(capacity) && capacity > 0)) {
      throw new RangeError(`queue capacity: expected an integer above 0, got ${capacity}`);
    }
    this.#capacity = capacity;
  }

  /** Events held. */
  get length(): number {
    return this.#tail - this.#head;
  }

  /** Events that still fit. */
  get free(): number {
    return this.#capacity - this.length;
  }

  /** Position of the oldest event held; rises with every event taken. */
  get head(): number {
    return this.#head;
  }

  /** Position that the next event will get. */
  get tail(): number {
    return this.#tail;
  }

  /** The caller has made sure that there is room. */
  push(event: HttpEvent, traceId: string | undefined): void {
    if (this.free === 0) throw new Error(`queue is full: expected fewer than ${this.#capacity} events`);
    const slot = this.#tail++ % this.#capacity;
    this.#events[slot] = event;
    this.#traceIds[slot] = traceId;
  }

  /** Removes up to `countMax` events from the front. */
  take(countMax: number): SpanBatch {
    const first = this.#head;
    const events: HttpEvent[] = [];
    const traceIds: (string | undefined)[] = [];
    for (let left = Math.min(countMax, this.length); left > 0; left--) {
      const slot = this.#head++ % this.#capacity;
      const event = this.#events[slot];
      if (event !== undefined) events.push(event);
      traceIds.push(this.#traceIds[slot]);
      this.#events[slot] = undefined;
    }
    return { events, traceIds, first };
  }

  /** Removes every event before `position` and says how many those were. */
  discardBefore(position: number): number {
    return this.take(Math.max(0, position - this.#head)).events.length;
  }
}

export { EventQueue, type SpanBatch };
