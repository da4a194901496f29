/**
 * Events to the members of groups: each filter looks at an event once, each form of an event is written once, each frame is
 * made once. Frames leave when a chunk is full, and at the latest with {@link FanOut.flush}.
 * @module
 */

import type { ObservedEvent, RawHttpBatch, RawHttpEvent } from "../ffi/event.ts";
import { CHUNK_EVENTS_MAX, Chunk } from "./chunk.ts";
import { type Frame, payloadOf } from "./format.ts";
import type { BatchFrame, Payload } from "./frame.ts";
import type { Group } from "./group.ts";
import { GroupTable } from "./group-table.ts";
import { HttpSubject } from "./http-subject.ts";
import { KeptFrame } from "./kept-frame.ts";

const NONE = -1;
const always = () => true;

class FanOut {
  #table = new GroupTable([]);
  readonly #chunk: Chunk;
  readonly #subject = new HttpSubject();
  readonly #nowMillis: () => number;
  /** Of the event that is looked at, and the forms that it is wanted in. */
  #slot = NONE;
  #asJson = false;
  #asRecord = false;
  /** Events that the filters have looked at since the last flush. */
  #seen = 0;

  /** eventsMax: of a frame. */
  constructor(eventsMax: number, nowMillis: () => number) {
    this.#chunk = new Chunk(Math.min(eventsMax, CHUNK_EVENTS_MAX));
    this.#nowMillis = nowMillis;
  }

  get groups(): readonly Group[] {
    return this.#table.groups;
  }

  /** Flush before. */
  set groups(groups: readonly Group[]) {
    this.#table = new GroupTable(groups);
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
      group.passed += seen - count;
      if (count === 0) continue;
      const frame = new GroupFrame(this.#chunk, group, nowMillis);
      for (const member of group.members) member.offer(frame);
      frame.leave();
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
    this.#slot = NONE;
    this.#asJson = false;
    this.#asRecord = false;
    this.#subject.look(event);
    this.#table.forSelecting(this.#subject, this.#select);
    if (this.#asJson) this.#chunk.writeJson(this.#slot, event);
    if (this.#asRecord) this.#chunk.writeRecord(this.#slot, event);
    this.#seen++;
  }

  readonly #select = (group: Group): void => {
    if (this.#slot === NONE) this.#slot = this.#chunk.add(this.#subject.event.seq);
    group.select(this.#slot);
    if (group.format.form === "json") this.#asJson = true;
    else this.#asRecord = true;
  };
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
  /** While the events are there. */
  #isHere = true;
  #written: Frame | undefined;
  #payload: Payload | undefined;
  #kept: KeptFrame | undefined;

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
    if (!this.#isHere) return (this.#kept as KeptFrame).payload();
    this.#payload ??= payloadOf(this.#write());
    return this.#payload;
  }

  keep(): void {
    this.#kept ??= new KeptFrame(this.#write());
  }

  drop(): void {
    this.#kept?.free();
    this.#kept = undefined;
  }

  /** All members have had it; the next frame and the next events take its place. */
  leave(): void {
    this.#isHere = false;
    this.#written = undefined;
    this.#payload = undefined;
  }

  #write(): Frame {
    this.#written ??= this.#group.format.frame(this.#chunk, this.#group);
    return this.#written;
  }
}

export { FanOut };
