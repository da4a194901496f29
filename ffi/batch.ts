import { ExpiredViewError } from "./errors.ts";
import { batch as Batch } from "./layout.generated.ts";

/** The shared ring's memory under each width that decoding needs; one set for the reader's life. */
export interface RingMemory {
  readonly bytes: Buffer;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
}

export function ringMemory(memory: ArrayBuffer): RingMemory {
  return { bytes: Buffer.from(memory), u16: new Uint16Array(memory), u32: new Uint32Array(memory) };
}

/** Makes the view of the event that lies at a byte offset (a multiple of 8) of the ring. */
export type ViewOf<V> = (batch: RawBatch, offset: number) => V;

/**
 * One batch in place in the shared ring, as the kernel wrote it: no byte is copied. Valid only until the callback that
 * received it returns; the ring's space is then written anew, so every later access throws {@link ExpiredViewError}.
 */
export class RawBatch {
  /** Rises by one per batch of a protocol and CPU. */
  readonly idx: number;
  readonly cpu: number;
  readonly length: number;
  readonly eventSize: number;
  readonly #memory: RingMemory;
  readonly #offset: number;
  #expired = false;

  /** offset: of `struct batch` in the ring, a multiple of 8. */
  constructor(memory: RingMemory, offset: number) {
    const { u16, u32 } = memory;
    this.#memory = memory;
    this.#offset = offset;
    this.idx = (u32[(offset + Batch.idx + 4) >> 2] as number) * 2 ** 32 + (u32[(offset + Batch.idx) >> 2] as number);
    this.cpu = u32[(offset + Batch.cpu) >> 2] as number;
    this.length = u16[(offset + Batch.len) >> 1] as number;
    this.eventSize = u16[(offset + Batch.event_size) >> 1] as number;
  }

  /** The ring's memory. @throws ExpiredViewError after the callback */
  get memory(): RingMemory {
    if (this.#expired) throw new ExpiredViewError();
    return this.#memory;
  }

  /** Byte offset of event `index` in the ring. */
  eventOffset(index: number): number {
    return this.#offset + Batch.SIZE + index * this.eventSize;
  }

  expire(): void {
    this.#expired = true;
  }
}

/** The events of one batch as typed views, in order. Valid, like the views, only during the callback. */
export class EventBatch<V> implements Iterable<V> {
  readonly raw: RawBatch;
  readonly #viewOf: ViewOf<V>;

  constructor(raw: RawBatch, viewOf: ViewOf<V>) {
    this.raw = raw;
    this.#viewOf = viewOf;
  }

  get length(): number {
    return this.raw.length;
  }

  get cpu(): number {
    return this.raw.cpu;
  }

  /** @throws RangeError when there is no such event; ExpiredViewError after the callback */
  at(index: number): V {
    if (!(index >= 0 && index < this.raw.length)) {
      throw new RangeError(`no event ${index}: the batch has ${this.raw.length}`);
    }
    return this.#viewOf(this.raw, this.raw.eventOffset(index));
  }

  *[Symbol.iterator](): Iterator<V> {
    for (let index = 0; index < this.raw.length; index++) yield this.at(index);
  }
}
