import type { ObservedEvent } from "../../../ffi/event.ts";
import { http_event as Http } from "../../../ffi/layout.generated.ts";
import type { Filter } from "../../../server/filter.ts";
import type { SeenFrame } from "../fake.ts";
import { referenceSelects } from "./reference-filter.ts";

/** A binary frame as a client would take it apart: its events, as far as a test compares them. */
export function readRecords(frame: Uint8Array): SeenFrame {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const text = (from: number, length: number) => Buffer.from(frame.subarray(from, from + length)).toString();
  if (view.getUint8(0) !== 1 || view.getUint8(1) !== 1) throw new Error("another version or protocol");
  const events = [];
  let at = view.getUint16(2, true);
  for (let count = view.getUint32(4, true); count > 0; count--) {
    const event = at + 16;
    events.push({
      protocol: "http",
      seq: Number(view.getBigUint64(at + 8, true)),
      cpu: view.getUint16(at + 4, true),
      startTimeUnixNano: String(view.getBigUint64(event + Http.start_ns, true)),
      status: view.getUint16(event + Http.status, true),
      method: text(event + Http.method, view.getUint8(event + Http.method_len)),
      path: text(event + targetAt(frame, event), view.getUint16(event + Http.path_len, true)),
    });
    at += view.getUint32(at, true);
  }
  if (at !== frame.length) throw new Error(`records end at ${at}, the frame at ${frame.length}`);
  return { type: "batch", events: events as never };
}

/** Behind the texts before it. */
function targetAt(frame: Uint8Array, event: number): number {
  const lengths = [Http.method_len, Http.traceparent_len, Http.tracestate_len, Http.host_len, Http.user_agent_len];
  return lengths.reduce((at, member) => at + (((frame[event + member] as number) + 3) & ~3), Http.method as number);
}

/**
 * Holds what a subscriber received against all that happened: exactly what its filter selects, in order and once, but for what
 * gaps announce; and those announce exactly what is missing.
 */
export class Audit {
  /** By seq, which begins at 1. */
  readonly #events: readonly ObservedEvent[];
  readonly #isSelected: typeof referenceSelects;
  #filter: Filter = {};
  #hasBegun = false;
  /** Everything selected before it has been seen or announced. */
  #position = 0;
  received = 0;
  announced = 0;

  constructor(events: readonly ObservedEvent[], isSelected = referenceSelects) {
    this.#events = events;
    this.#isSelected = isSelected;
  }

  /** Of the next event that the filter selects; one above the last that happened when there is none. */
  get next(): number {
    let seq = this.#position;
    while (seq <= this.#events.length && !this.#selects(seq)) seq++;
    return seq;
  }

  take(frame: SeenFrame): void {
    if (frame.type === "hello") this.#begin(frame);
    else if (frame.type === "batch") for (const event of frame.events ?? []) this.#takeEvent(event);
    else if (frame.type === "gap") this.#takeGap(frame);
    else if (frame.type === "subscribed") this.#expectDoneBefore(frame.fromSeq, frame.filter);
    else if (frame.type === "heartbeat") this.#expectDoneBefore(frame.nextSeq, this.#filter);
  }

  /** Everything that happened was seen or announced. */
  expectComplete(): void {
    if (this.next <= this.#events.length) throw new Error(`event ${this.next} neither came nor was announced as lost`);
  }

  /** Another hello frame is of a connection in the place of the last one, that has missed nothing. */
  #begin({ nextSeq, filter = {} }: SeenFrame): void {
    if (this.#hasBegun) this.#expectDoneBefore(nextSeq, filter);
    else this.#goTo(nextSeq, filter);
    this.#hasBegun = true;
  }

  #takeEvent(event: ObservedEvent): void {
    if (event.seq !== this.next) throw new Error(`event ${event.seq} came where ${this.next} was due`);
    const expected = this.#events[event.seq - 1] as unknown as Record<string, unknown>;
    for (const [key, value] of Object.entries(event))
      if (!Bun.deepEquals(value, expected[key]))
        throw new Error(`event ${event.seq}: ${key} is ${JSON.stringify(value)}, not ${JSON.stringify(expected[key])}`);
    this.received++;
    this.#position = event.seq + 1;
  }

  #takeGap({ dropped, fromSeq = 0, toSeq = 0, reason }: SeenFrame): void {
    const range = Array.from({ length: toSeq - fromSeq + 1 }, (_, index) => fromSeq + index);
    const lost = reason === undefined ? range.filter((seq) => this.#selects(seq)) : range;
    const isNext = reason === undefined ? fromSeq === this.next : fromSeq >= this.#position && fromSeq <= this.next;
    if (dropped !== lost.length || !isNext || toSeq !== lost.at(-1))
      throw new Error(
        `a gap of ${dropped} from ${fromSeq} to ${toSeq}: ${lost.length} are missing from ${this.next} on`,
      );
    this.announced += dropped;
    this.#position = toSeq + 1;
  }

  #expectDoneBefore(seq: number | undefined, filter: Filter | undefined): void {
    if (this.next < (seq ?? 0)) throw new Error(`${this.next} should have come before ${seq}`);
    this.#goTo(seq, filter);
  }

  #goTo(seq = Number.NaN, filter: Filter = {}): void {
    this.#position = seq;
    this.#filter = filter;
  }

  #selects(seq: number): boolean {
    return this.#isSelected(this.#filter, this.#events[seq - 1] as ObservedEvent);
  }
}
