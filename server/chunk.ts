/**
 * Events on their way to becoming frames: each is written once in each form that somebody wants it in, and frames are cut
 * from what was written.
 * @module
 */

import type { ObservedEvent, RawHttpEvent } from "../ffi/event.ts";
import type { Format } from "./format.ts";
import { writeJson } from "./json.ts";
import { writeRecord } from "./record.ts";
import { Writer } from "./writer.ts";

/** Small enough that one frame is a fraction of a socket buffer, large enough that per-frame cost vanishes. */
const CHUNK_EVENTS_MAX = 256;
/** A chunk that has more is full, however few its events. */
const CHUNK_BYTES_MAX = 256 * 1024;
/** Of any format; a multiple of 8, as records are. */
const HEAD_BYTES_MAX = 64;

/** Of the events of a chunk, in order, those that belong to one frame. */
interface Selection {
  readonly slots: Uint16Array;
  readonly count: number;
}

/** Where frames are cut together; each takes the place of the one before. */
let scratch = Buffer.allocUnsafeSlow(CHUNK_BYTES_MAX);

/**
 * The events of a chunk in one form, one behind the other, with a comma between them if that is the form, and room for a
 * frame's head before the first.
 */
class WrittenEvents {
  readonly out = new Writer();
  readonly #separatorBytes: number;
  readonly #starts = new Uint32Array(CHUNK_EVENTS_MAX);
  readonly #ends = new Uint32Array(CHUNK_EVENTS_MAX);

  constructor({ separatorBytes }: { separatorBytes: 0 | 1 }) {
    this.#separatorBytes = separatorBytes;
    this.clear();
  }

  clear(): void {
    this.out.clear();
    this.out.at = HEAD_BYTES_MAX;
  }

  /** Call before the event is written, and {@link end} when it was. */
  begin(slot: number): void {
    if (this.out.at > HEAD_BYTES_MAX && this.#separatorBytes > 0) this.out.comma();
    this.#starts[slot] = this.out.at;
  }

  end(slot: number): void {
    this.#ends[slot] = this.out.at;
  }

  /**
   * The selected events between head and tail, where they are if they are all that was written. Gone when more is written, and
   * with the next frame.
   */
  framed(selection: Selection, head: Buffer, tail: Buffer): Buffer {
    const { slots, count } = selection;
    const first = this.start(slots[0] as number);
    const end = this.endOf(slots[count - 1] as number);
    const isAll = first === HEAD_BYTES_MAX && end === this.out.at;
    if (!isAll || this.bytesOf(selection) + (count - 1) * this.#separatorBytes < end - first)
      return this.#cut(selection, head, tail);
    this.out.reserve(tail.length);
    const { bytes } = this.out;
    head.copy(bytes, first - head.length);
    tail.copy(bytes, end);
    return bytes.subarray(first - head.length, end + tail.length);
  }

  #cut(selection: Selection, head: Buffer, tail: Buffer): Buffer {
    const { slots, count } = selection;
    const length = head.length + this.bytesOf(selection) + (count - 1) * this.#separatorBytes + tail.length;
    if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(length * 2);
    let at = head.copy(scratch);
    // The separator behind an event is there in what was written; behind the last one there may be none, nor is it wanted.
    for (let index = 0; index < count; ) {
      const start = this.start(slots[index] as number);
      let end = this.endOf(slots[index++] as number);
      while (index < count && this.start(slots[index] as number) === end + this.#separatorBytes)
        end = this.endOf(slots[index++] as number);
      at += this.out.bytes.copy(scratch, at, start, index < count ? end + this.#separatorBytes : end);
    }
    at += tail.copy(scratch, at);
    return scratch.subarray(0, at);
  }

  bytesOf({ slots, count }: Selection): number {
    let bytes = 0;
    for (let index = 0; index < count; index++)
      bytes += this.endOf(slots[index] as number) - this.start(slots[index] as number);
    return bytes;
  }

  start(slot: number): number {
    return this.#starts[slot] as number;
  }

  endOf(slot: number): number {
    return this.#ends[slot] as number;
  }
}

class Chunk {
  /** Events, so far. */
  length = 0;
  /** Of all of them. */
  protocol = "";
  /** They came as objects: then they are there as JSON alone. */
  isDecoded = false;
  readonly json = new WrittenEvents({ separatorBytes: 1 });
  readonly records = new WrittenEvents({ separatorBytes: 0 });
  readonly #eventsMax: number;
  readonly #seqs = new Float64Array(CHUNK_EVENTS_MAX);

  /** eventsMax: at most {@link CHUNK_EVENTS_MAX}. */
  constructor(eventsMax: number) {
    this.#eventsMax = eventsMax;
  }

  get isFull(): boolean {
    return (
      this.length >= this.#eventsMax || this.json.out.at > CHUNK_BYTES_MAX || this.records.out.at > CHUNK_BYTES_MAX
    );
  }

  /** Of the selected events in a form, as far as they are there in it. */
  bytesOf(form: Format["form"], selection: Selection): number {
    return (form === "json" || this.isDecoded ? this.json : this.records).bytesOf(selection);
  }

  seq(slot: number): number {
    return this.#seqs[slot] as number;
  }

  /** Takes an event up, and returns its slot. */
  add(seq: number): number {
    this.#seqs[this.length] = seq;
    return this.length++;
  }

  writeJson(slot: number, event: RawHttpEvent): void {
    this.json.begin(slot);
    writeJson(event, this.json.out);
    this.json.end(slot);
  }

  writeRecord(slot: number, event: RawHttpEvent): void {
    this.records.begin(slot);
    writeRecord(event, this.records.out);
    this.records.end(slot);
  }

  writeDecoded(slot: number, event: ObservedEvent): void {
    this.json.begin(slot);
    this.json.out.text(JSON.stringify(event));
    this.json.end(slot);
  }

  clear(): void {
    this.length = 0;
    this.json.clear();
    this.records.clear();
  }
}

export type { Selection };
export { CHUNK_EVENTS_MAX, Chunk };
