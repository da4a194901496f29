import type { EventBatch, RawBatch } from "./batch.ts";
import type { ClockOffset } from "./clock.ts";
import type { EventSink, ObservedEvent, RawHttpSink, Sink } from "./event.ts";
import { HttpCursor } from "./http-cursor.ts";
import { http } from "./protocol.ts";
import type { Stream } from "./stream.ts";
import type { TargetPolicy } from "./target-policy.ts";

/** Sinks get at most so many events at once; small batches of one turn are joined up to it. */
const OFFER_MAX = 256;

/** Keeps the raw batches that go by. */
export interface BatchKeeper {
  append<V>(stream: Stream<V>, raw: RawBatch, firstSeq: number, clock: ClockOffset): void;
}

/** From a consumer's views to the sinks: numbers every event, gives it its wall-clock time, hands it to each sink. */
export class Delivery {
  readonly #sinks: readonly EventSink[];
  /** Those of the sinks that take HTTP events as objects. */
  readonly #httpSinks: readonly EventSink[];
  readonly #rawSinks: readonly RawHttpSink[];
  readonly #cursor: HttpCursor;
  readonly #clock: () => ClockOffset;
  readonly #policy: TargetPolicy;
  readonly #keeper: BatchKeeper | undefined;
  #batch: ObservedEvent[] = [];
  #seq = 0;

  /** clock: from the events' clock to the wall clock, as it is now. */
  constructor(sinks: readonly Sink[], clock: () => ClockOffset, policy: TargetPolicy, keeper?: BatchKeeper) {
    this.#sinks = sinks.filter((sink) => "offer" in sink);
    this.#httpSinks = this.#sinks.filter((sink) => !("offerRaw" in sink));
    this.#rawSinks = sinks.filter((sink) => "offerRaw" in sink);
    this.#clock = clock;
    this.#policy = policy;
    this.#keeper = keeper;
    this.#cursor = new HttpCursor(policy);
  }

  /** Takes a stream's events. What it takes reaches the sinks at the latest with the next {@link endTurn}. */
  take<V>(stream: Stream<V>, events: EventBatch<V>): void {
    const { protocol, decode } = stream;
    const clock = this.#clock();
    // A batch for the sinks is of one protocol, so that each can be labelled as a whole.
    if (this.#batch[0] !== undefined && this.#batch[0].protocol !== protocol.name) this.#flush();
    const isHttp = protocol.number === http.number;
    this.#keeper?.append(stream, events.raw, this.#seq + 1, clock);
    if (isHttp && this.#rawSinks.length > 0) this.#offerRaw(events.raw, clock);
    const sinks = isHttp ? this.#httpSinks : this.#sinks;
    if (!sinks.some(({ wantsEvents }) => wantsEvents !== false)) {
      this.#flush();
      this.#seq += events.length;
      for (const sink of sinks) sink.pass?.(protocol.name, events.length, this.#seq);
      return;
    }
    for (let index = 0; index < events.length; index++) {
      this.#batch.push(decode(events.at(index), ++this.#seq, clock, this.#policy));
      if (this.#batch.length >= OFFER_MAX) this.#flush();
    }
  }

  /** Nothing more is taken for now. */
  endTurn(): void {
    this.#flush();
    for (const sink of this.#rawSinks) sink.endTurn?.();
  }

  #flush(): void {
    const [first] = this.#batch;
    if (first === undefined) return;
    const batch = this.#batch;
    this.#batch = [];
    for (const sink of first.protocol === http.name ? this.#httpSinks : this.#sinks) sink.offer(batch);
  }

  #offerRaw(batch: RawBatch, clock: ClockOffset): void {
    this.#cursor.open(batch, this.#seq + 1, clock);
    for (const sink of this.#rawSinks) sink.offerRaw(this.#cursor);
    this.#cursor.close();
  }
}
