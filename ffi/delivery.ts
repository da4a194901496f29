import type { EventBatch } from "./batch.ts";
import type { ClockOffset } from "./clock.ts";
import type { EventSink, ObservedEvent } from "./event.ts";
import type { Stream } from "./stream.ts";
import type { TargetPolicy } from "./target-policy.ts";

/** Sinks get at most so many events at once; small batches of one turn are joined up to it. */
const OFFER_MAX = 256;

/** From a consumer's views to the sinks: numbers every event, gives it its wall-clock time, hands it to each sink. */
export class Delivery {
  readonly #sinks: readonly EventSink[];
  readonly #clock: () => ClockOffset;
  readonly #policy: TargetPolicy;
  #batch: ObservedEvent[] = [];
  #seq = 0;

  /** clock: from the events' clock to the wall clock, as it is now. */
  constructor(sinks: readonly EventSink[], clock: () => ClockOffset, policy: TargetPolicy) {
    this.#sinks = sinks;
    this.#clock = clock;
    this.#policy = policy;
  }

  /** Takes a stream's events. What it takes reaches the sinks at the latest with the next {@link flush}. */
  take<V>({ protocol, decode }: Stream<V>, events: EventBatch<V>): void {
    // A batch for the sinks is of one protocol, so that each can be labelled as a whole.
    if (this.#batch[0] !== undefined && this.#batch[0].protocol !== protocol.name) this.flush();
    const clock = this.#clock();
    for (let index = 0; index < events.length; index++) {
      this.#batch.push(decode(events.at(index), ++this.#seq, clock, this.#policy));
      if (this.#batch.length >= OFFER_MAX) this.flush();
    }
  }

  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    for (const sink of this.#sinks) sink.offer(batch);
  }
}
