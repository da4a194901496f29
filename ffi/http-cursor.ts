import type { RawBatch, RingMemory } from "./batch.ts";
import { type ClockOffset, clockHalves } from "./clock.ts";
import { decodeHttpEvent } from "./decode.ts";
import type { HttpEvent, RawHttpBatch, RawHttpEvent, RecordOutput, ReportedPath } from "./event.ts";
import { copyHttpRecord } from "./http-record.ts";
import { HttpEventView } from "./http-view.ts";
import { http_event as Event } from "./layout.generated.ts";
import type { TargetPolicy } from "./target-policy.ts";

const SLASH = 47;
const TWO_TO_32 = 2 ** 32;

/** What there is to read between two batches: an event that is kept for too long reads as undefined, not as another one. */
const NO_MEMORY: RingMemory = { bytes: Buffer.alloc(0), u16: new Uint16Array(), u32: new Uint32Array() };

/** The events of one batch after another, all under this one object: nothing is made for a batch or an event. */
export class HttpCursor implements RawHttpBatch, RawHttpEvent {
  length = 0;
  bytes = NO_MEMORY.bytes;
  words = NO_MEMORY.u32;
  seq = 0;
  startHigh = 0;
  startLow = 0;
  endHigh = 0;
  endLow = 0;
  readonly #policy: TargetPolicy;
  #halves = NO_MEMORY.u16;
  #batch: RawBatch | undefined;
  #firstSeq = 0;
  #clock: ClockOffset = { seconds: 0, nanoseconds: 0 };
  #clockHigh = 0;
  #clockLow = 0;
  /** Byte offset of the event. */
  #at = 0;

  constructor(policy: TargetPolicy) {
    this.#policy = policy;
  }

  /** Begins a batch, whose first event has the number `firstSeq`. */
  open(batch: RawBatch, firstSeq: number, clock: ClockOffset): void {
    if (clock !== this.#clock) {
      this.#clock = clock;
      [this.#clockHigh, this.#clockLow] = clockHalves(clock);
    }
    this.#batch = batch;
    this.#firstSeq = firstSeq;
    this.length = batch.length;
    this.#look(batch.memory);
  }

  /** Ends it. */
  close(): void {
    this.#batch = undefined;
    this.length = 0;
    this.#look(NO_MEMORY);
  }

  /** @throws RangeError when there is no such event */
  at(index: number): RawHttpEvent {
    const batch = this.#batch;
    if (batch === undefined || !(index >= 0 && index < this.length)) {
      throw new RangeError(`no event ${index}: the batch has ${this.length}`);
    }
    const at = batch.eventOffset(index);
    this.#at = at;
    this.seq = this.#firstSeq + index;
    this.#readTimes(at >> 2);
    return this;
  }

  get isPathShown(): boolean {
    return this.#policy.isIdentity && this.bytes[this.#at + Event.target] === SLASH;
  }

  path(): ReportedPath {
    const view = this.#view;
    return this.#policy.path(view.path, view.pathTruncated);
  }

  query(): string | undefined {
    const { query } = this.#view;
    return query === undefined ? undefined : this.#policy.query(query);
  }

  decode(): HttpEvent {
    return decodeHttpEvent(this.#view, this.seq, this.#clock, this.#policy);
  }

  copyTo(out: RecordOutput): void {
    copyHttpRecord(this, this.#at, out);
  }

  get clientAddressAt(): number {
    return this.#at + Event.client_address;
  }

  get serverAddressAt(): number {
    return this.#at + Event.server_address;
  }

  get answeredAddressAt(): number {
    return this.#at + Event.answered_address;
  }

  get answeredPort(): number {
    return this.#halves[(this.#at + Event.answered_port) >> 1] as number;
  }

  get cpu(): number {
    return this.#batch?.cpu ?? 0;
  }

  get durationNano(): number {
    return this.#u64Difference(Event.end_ns, Event.start_ns);
  }

  get timeToFirstByteNano(): number | undefined {
    return this.#isAnswered ? this.#u64Difference(Event.first_byte_ns, Event.start_ns) : undefined;
  }

  get requestHeaderBytes(): number {
    return this.words[(this.#at + Event.request_header_bytes) >> 2] as number;
  }

  get requestBodyBytes(): number {
    return this.#u64(Event.request_body_bytes);
  }

  get responseHeaderBytes(): number | undefined {
    return this.#isAnswered ? (this.words[(this.#at + Event.response_header_bytes) >> 2] as number) : undefined;
  }

  get responseBodyBytes(): number | undefined {
    return this.#isAnswered ? this.#u64(Event.response_body_bytes) : undefined;
  }

  get clientPort(): number {
    return this.#halves[(this.#at + Event.client_port) >> 1] as number;
  }

  get serverPort(): number {
    return this.#halves[(this.#at + Event.server_port) >> 1] as number;
  }

  get status(): number {
    return this.#halves[(this.#at + Event.status) >> 1] as number;
  }

  get version(): number {
    return this.bytes[this.#at + Event.version] as number;
  }

  get outcome(): number {
    return this.bytes[this.#at + Event.outcome] as number;
  }

  get flags(): number {
    return this.bytes[this.#at + Event.flags] as number;
  }

  get methodAt(): number {
    return this.#at + Event.method;
  }

  get methodLength(): number {
    return this.bytes[this.#at + Event.method_len] as number;
  }

  get targetAt(): number {
    return this.#at + Event.target;
  }

  get pathLength(): number {
    return this.#halves[(this.#at + Event.path_len) >> 1] as number;
  }

  get targetLength(): number {
    return this.#halves[(this.#at + Event.target_len) >> 1] as number;
  }

  get hostAt(): number {
    return this.#at + Event.host;
  }

  get hostLength(): number {
    return this.bytes[this.#at + Event.host_len] as number;
  }

  get userAgentAt(): number {
    return this.#at + Event.user_agent;
  }

  get userAgentLength(): number {
    return this.bytes[this.#at + Event.user_agent_len] as number;
  }

  get traceparentAt(): number {
    return this.#at + Event.traceparent;
  }

  get tracestate(): string | undefined {
    return this.bytes[this.#at + Event.tracestate_len] === 0 ? undefined : this.#view.tracestate;
  }

  get traceparentLength(): number {
    return this.bytes[this.#at + Event.traceparent_len] as number;
  }

  get #isAnswered(): boolean {
    const word = (this.#at + Event.first_byte_ns) >> 2;
    return ((this.words[word] as number) | (this.words[word + 1] as number)) !== 0;
  }

  /** Exact below 2^53. */
  #u64(field: number): number {
    const word = (this.#at + field) >> 2;
    return (this.words[word + 1] as number) * TWO_TO_32 + (this.words[word] as number);
  }

  /** Exact when the difference is below 2^53, whatever the values. */
  #u64Difference(field: number, subtrahend: number): number {
    const word = (this.#at + field) >> 2;
    const other = (this.#at + subtrahend) >> 2;
    const high = (this.words[word + 1] as number) - (this.words[other + 1] as number);
    return high * TWO_TO_32 + ((this.words[word] as number) - (this.words[other] as number));
  }

  get #view(): HttpEventView {
    if (this.#batch === undefined) throw new RangeError("no event to read: the batch is over");
    return new HttpEventView(this.#batch, this.#at);
  }

  #look({ bytes, u16, u32 }: RingMemory): void {
    this.bytes = bytes;
    this.words = u32;
    this.#halves = u16;
  }

  /** Both are of CLOCK_MONOTONIC in the struct. An end before the start, which a clock cannot give, counts as the start. */
  #readTimes(event: number): void {
    const start = event + (Event.start_ns >> 2);
    const startLow = this.words[start] as number;
    const startHigh = this.words[start + 1] as number;
    const end = event + (Event.end_ns >> 2);
    let endLow = this.words[end] as number;
    let endHigh = this.words[end + 1] as number;
    if (endHigh < startHigh || (endHigh === startHigh && endLow < startLow)) [endHigh, endLow] = [startHigh, startLow];
    const startSum = startLow + this.#clockLow;
    const endSum = endLow + this.#clockLow;
    this.startLow = startSum >>> 0;
    this.startHigh = (startHigh + this.#clockHigh + (startSum >= TWO_TO_32 ? 1 : 0)) >>> 0;
    this.endLow = endSum >>> 0;
    this.endHigh = (endHigh + this.#clockHigh + (endSum >= TWO_TO_32 ? 1 : 0)) >>> 0;
  }
}
