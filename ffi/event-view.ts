import type { RawBatch, RingMemory } from "./batch.ts";
import { readAddress, readInternedText, readText } from "./text.ts";

const TWO_TO_32 = 2 ** 32;

/**
 * One event in place in the shared ring: reads fields by their byte offset in the struct. Every access reads the ring, so
 * a field that nobody asks for costs nothing. @throws ExpiredViewError from every access after the callback has returned
 */
export class EventView {
  readonly #batch: RawBatch;
  readonly #offset: number;

  constructor(batch: RawBatch, offset: number) {
    this.#batch = batch;
    this.#offset = offset;
  }

  get cpu(): number {
    return this.#batch.cpu;
  }

  protected get memory(): RingMemory {
    return this.#batch.memory;
  }

  /** Byte offset of a field in the ring. */
  protected at(field: number): number {
    return this.#offset + field;
  }

  protected u8(field: number): number {
    return this.memory.bytes[this.#offset + field] as number;
  }

  protected u16(field: number): number {
    return this.memory.u16[(this.#offset + field) >> 1] as number;
  }

  protected u32(field: number): number {
    return this.memory.u32[(this.#offset + field) >> 2] as number;
  }

  /** Exact below 2^53. */
  protected u64(field: number): number {
    const { u32 } = this.memory;
    const word = (this.#offset + field) >> 2;
    return (u32[word + 1] as number) * TWO_TO_32 + (u32[word] as number);
  }

  /** Exact when the difference is below 2^53, whatever the values. */
  protected u64Difference(field: number, subtrahend: number): number {
    const { u32 } = this.memory;
    const word = (this.#offset + field) >> 2;
    const other = (this.#offset + subtrahend) >> 2;
    const high = (u32[word + 1] as number) - (u32[other + 1] as number);
    return high * TWO_TO_32 + ((u32[word] as number) - (u32[other] as number));
  }

  /** True when the bytes of a field, a multiple of 4, are all zero. */
  protected isZero(field: number, bytes: number): boolean {
    const { u32 } = this.memory;
    const first = (this.#offset + field) >> 2;
    for (let word = first; word < first + (bytes >> 2); word++) if (u32[word] !== 0) return false;
    return true;
  }

  protected address(field: number): string {
    return readAddress(this.memory, this.#offset + field);
  }

  /** For fields whose texts repeat. */
  protected repeatedText(field: number, length: number): string {
    return readInternedText(this.memory, this.#offset + field, length);
  }

  protected text(field: number, length: number): string {
    return readText(this.memory, this.#offset + field, length);
  }
}

/** An event that lasts: both ends are CLOCK_MONOTONIC nanoseconds. */
export abstract class TimedEventView extends EventView {
  /** Where the struct has its two times. */
  protected abstract get times(): { readonly start_ns: number; readonly end_ns: number };

  /** High 32 bits of the start. */
  get startHigh(): number {
    return this.u32(this.times.start_ns + 4);
  }

  /** Low 32 bits of the start. */
  get startLow(): number {
    return this.u32(this.times.start_ns);
  }

  /** Nanoseconds from start to end. */
  get durationNano(): number {
    return this.u64Difference(this.times.end_ns, this.times.start_ns);
  }
}
