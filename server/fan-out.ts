/**
 * Events to the members of groups: each filter looks at an event once, each form of an event is written once, each frame is
 * made once. Frames leave when a chunk is full, and at the latest with {@link FanOut.flush}.
 * @module
 */

import type { ObservedEvent, RawHttpBatch, RawHttpEvent } from "../ffi/event.ts";
import { CHUNK_EVENTS_MAX, Chunk } from "./chunk.ts";
import type { BatchFrame, Payload } from "./frame.ts";
import type { Group } from "./group.ts";
import { HttpSubject } from "./http-subject.ts";

const always = () => true;

class FanOut {
  /** Flush before it is changed. */
  groups: readonly Group[] = [];
  readonly #chunk: Chunk;
  readonly #subject = new HttpSubject();
  readonly #nowMillis: () => number;
  /** Events that the filters have looked at since the last flush. */
  #seen = 0;

  /** eventsMax: of a frame. */
  constructor(eventsMax: number, nowMillis: () => number) {
    this.#chunk = new Chunk(Math.min(eventsMax, CHUNK_EVENTS_MAX));
    this.#nowMillis = nowMillis;
  }

  /**
   * first: index of the first event that is meant. goesOn: asked behind each frame. Returns the index behind the last event
   * that was taken, for which there is no frame yet when all were.
   */
  offerRaw(batch: RawHttpBatch, first = 0, goesOn = always): number {
    this.#begin("http", false);
    for (let index = first; index < batch.length; index++) {
      this.#offerOne(batch.at(index));
      if (this.#flushIfFull() && !goesOn()) return index + 1;
    }
    return batch.length;
  }

  /** As {@link offerRaw}. events: of one protocol. */
  offer(events: readonly ObservedEvent[], first = 0, goesOn = always): number {
    for (let index = first; index < events.length; index++) {
      const event = events[index] as ObservedEvent;
      this.#begin(event.protocol, true);
      let slot = -1;
      for (const group of this.groups) {
        if (!group.event(event)) continue;
        if (slot < 0) slot = this.#chunk.add(event.seq);
        group.select(slot);
      }
      if (slot >= 0) this.#chunk.writeDecoded(slot, event);
      this.#seen++;
      if (this.#flushIfFull() && !goesOn()) return index + 1;
    }
    return events.length;
  }

  /** So many events went by that no filter would have selected. */
  pass(count: number): void {
    this.#seen += count;
  }

  flush(): void {
    const seen = this.#seen;
    if (seen === 0) return;
    this.#seen = 0;
    const nowMillis = this.#nowMillis();
    for (const group of this.groups) {
      const { count } = group;
      const frame = count > 0 ? new GroupFrame(this.#chunk, group, nowMillis) : undefined;
      for (const member of group.members) {
        member.pass(seen - count);
        if (frame !== undefined) member.offer(frame);
      }
      group.count = 0;
    }
    this.#chunk.clear();
  }

  #flushIfFull(): boolean {
    if (!this.#chunk.isFull) return false;
    this.flush();
    return true;
  }

  #begin(protocol: string, isDecoded: boolean): void {
    const chunk = this.#chunk;
    if (chunk.length > 0 && (chunk.protocol !== protocol || chunk.isDecoded !== isDecoded)) this.flush();
    chunk.protocol = protocol;
    chunk.isDecoded = isDecoded;
  }

  #offerOne(event: RawHttpEvent): void {
    const { groups } = this;
    const subject = this.#subject;
    const chunk = this.#chunk;
    subject.look(event);
    let slot = -1;
    let asJson = false;
    let asRecord = false;
    for (let index = 0; index < groups.length; index++) {
      const group = groups[index] as Group;
      if (!group.raw.selects(subject)) continue;
      if (slot < 0) slot = chunk.add(event.seq);
      group.select(slot);
      if (group.format.form === "json") asJson = true;
      else asRecord = true;
    }
    if (asJson) chunk.writeJson(slot, event);
    if (asRecord) chunk.writeRecord(slot, event);
    this.#seen++;
  }
}

/** One frame of a chunk, for the members of a group. */
class GroupFrame implements BatchFrame {
  readonly kind = "batch";
  readonly bytes: number;
  readonly events: number;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly madeMillis: number;
  holders = 0;
  readonly #chunk: Chunk;
  readonly #group: Group;
  #payload: Payload | undefined;

  constructor(chunk: Chunk, group: Group, nowMillis: number) {
    const { slots, count, format } = group;
    this.bytes = chunk.bytesOf(format.form, group);
    this.events = count;
    this.fromSeq = chunk.seq(slots[0] as number);
    this.toSeq = chunk.seq(slots[count - 1] as number);
    this.madeMillis = nowMillis;
    this.#chunk = chunk;
    this.#group = group;
  }

  get payload(): Payload {
    this.#payload ??= this.#group.format.frame(this.#chunk, this.#group);
    return this.#payload;
  }

  keep(): void {
    this.#payload ??= this.payload;
  }
}

export { FanOut };
