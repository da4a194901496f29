/**
 * Events on their way to becoming frames: each is written once in each form that somebody wants it in, and frames are cut
 * from what was written.
 * @module
 */

import type { ObservedEvent, RawHttpEvent } from "../ffi/event.ts";
import type { Format } from "./format.ts";
import { writeJson } from "./json.ts";
import { FRAME_HEAD_BYTES, writeRecord } from "./record.ts";
import { Writer } from "./writer.ts";

/** Small enough that one frame is a fraction of a socket buffer, large enough that per-frame cost vanishes. */
const CHUNK_EVENTS_MAX = 256;
/** A chunk that has more is full, however few its events. */
const CHUNK_BYTES_MAX = 256 * 1024;

/** Of the events of a chunk, in order, those that belong to one frame. */
interface Selection {
  readonly slots: Uint16Array;
  readonly count: number;
}

/** The events of a chunk in one form, one behind the other, with room for a head before and a separator between them. */
class WrittenEvents {
  readonly out = new Writer();
  readonly #separatorBytes: number;
  readonly #starts = new Uint32Array(CHUNK_EVENTS_MAX);
  readonly #ends = new Uint32Array(CHUNK_EVENTS_MAX);

  readonly #headBytes: number;

  constructor({ headBytes, separatorBytes }: { headBytes: number; separatorBytes: number }) {
    this.#headBytes = headBytes;
    this.#separatorBytes = separatorBytes;
    this.clear();
  }

  clear(): void {
    this.out.clear();
    this.out.at = this.#headBytes;
  }

  /** Call before the event is written, and {@link end} when it was. */
  begin(slot: number): void {
    if (this.out.at > this.#headBytes && this.#separatorBytes > 0) this.out.comma();
    this.#starts[slot] = this.out.at;
  }

  end(slot: number): void {
    this.#ends[slot] = this.out.at;
  }

  /** Calls back for each part of what was written that holds nothing but selected events, as long as can be. */
  forRuns({ slots, count }: Selection, run: (start: number, end: number) => void): void {
    for (let index = 0; index < count; ) {
      const start = this.start(slots[index] as number);
      let end = this.endOf(slots[index++] as number);
      while (index < count && this.start(slots[index] as number) === end + this.#separatorBytes)
        end = this.endOf(slots[index++] as number);
      run(start, end);
    }
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
  readonly json = new WrittenEvents({ headBytes: 0, separatorBytes: 1 });
  readonly records = new WrittenEvents({ headBytes: FRAME_HEAD_BYTES, separatorBytes: 0 });
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
export { CHUNK_EVENTS_MAX, Chunk, WrittenEvents };
