/**
 * Spans that wait for their request: in closed batches, and in one that is still open.
 * @module
 */
import type { RawHttpEvent } from "../ffi/event.ts";

/** Spans of one request. */
interface SpanBatch<P> {
  /** Position of the first span among all that were ever queued. */
  first: number;
  spanCount: number;
  /** The spans themselves, as the serializer of the same {@link Batcher} takes them. */
  payload: P;
}

/** Makes spans and keeps them until they are taken. */
interface Batcher<P> {
  /** Whether the event becomes a span. Asked before {@link add}, about the same event. */
  wants(event: RawHttpEvent): boolean;
  /** Adds the span of the event last asked about, which it must not keep. */
  add(event: RawHttpEvent): void;
  /** No further span may be added: the request would be too large. */
  readonly isFull: boolean;
  /** Everything added since it was last called. */
  take(): P;
  /** Told that the request is over and nobody reads the payload any more. */
  recycle?(payload: P): void;
}

/** A bounded first-in, first-out queue of batches. */
class BatchQueue<P> {
  readonly #batcher: Batcher<P>;
  readonly #capacity: number;
  readonly #batchSizeMax: number;
  /** From `#next` on; those before have been taken. */
  readonly #closed: SpanBatch<P>[] = [];
  #openCount = 0;
  #head = 0;
  #tail = 0;

  constructor(batcher: Batcher<P>, capacity: number, batchSizeMax: number) {
    if (!(Number.isSafeInteger(capacity) && capacity > 0)) {
      throw new RangeError(`queue capacity: expected an integer above 0, got ${capacity}`);
    }
    this.#batcher = batcher;
    this.#capacity = capacity;
    this.#batchSizeMax = batchSizeMax;
  }

  /** Spans held. */
  get length(): number {
    return this.#tail - this.#head;
  }

  /** No further span fits. */
  get isFull(): boolean {
    return this.length >= this.#capacity;
  }

  /** Position of the oldest span held; rises with every span taken. */
  get head(): number {
    return this.#head;
  }

  /** Position that the next span will get. */
  get tail(): number {
    return this.#tail;
  }

  /** A batch is closed, whether because it is full or because it was asked for. */
  get hasClosed(): boolean {
    return this.#closed.length > 0;
  }

  /** Adds the event's span; the caller has made sure that the batcher wants it and that there is room. */
  push(event: RawHttpEvent): void {
    this.#batcher.add(event);
    this.#tail++;
    this.#openCount++;
    if (this.#openCount >= this.#batchSizeMax || this.#batcher.isFull) this.close();
  }

  /** Later spans go into another batch. */
  close(): void {
    const spanCount = this.#openCount;
    if (spanCount === 0) return;
    this.#openCount = 0;
    this.#closed.push({ first: this.#tail - spanCount, spanCount, payload: this.#batcher.take() });
  }

  /** Removes the oldest batch, the open one if there is no other. Undefined when the queue is empty. */
  take(): SpanBatch<P> | undefined {
    if (!this.hasClosed) this.close();
    const batch = this.#closed.shift();
    if (batch !== undefined) this.#head += batch.spanCount;
    return batch;
  }

  /** Removes every batch that begins before `position` and says how many spans those were. */
  discardBefore(position: number): number {
    const before = this.#head;
    while (this.#head < position && this.take() !== undefined);
    return this.#head - before;
  }
}

export { type Batcher, BatchQueue, type SpanBatch };
