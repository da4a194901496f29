import type { RawBatch, RingMemory } from "./batch.ts";
import type { HttpOutcome } from "./event.ts";
import { http_event as Event, http_flags, http_outcome } from "./layout.generated.ts";
import { readAddress, readText } from "./text.ts";

const OUTCOMES: readonly HttpOutcome[] = Object.keys(http_outcome).map(
  (name) => name.replace("HTTP_OUTCOME_", "").toLowerCase() as HttpOutcome,
);
const QUESTION_MARK = 1;

/**
 * One `struct http_event` in place. Every access reads the ring, so an event whose fields nobody asks for costs next to
 * nothing. @throws ExpiredViewError from every accessor after the callback has returned
 */
export class HttpEventView {
  readonly #batch: RawBatch;
  readonly #offset: number;

  constructor(batch: RawBatch, offset: number) {
    this.#batch = batch;
    this.#offset = offset;
  }

  get cpu(): number {
    return this.#batch.cpu;
  }

  /** CLOCK_MONOTONIC of the first request packet: its high and low 32 bits. */
  get startHigh(): number {
    return this.#u32(Event.start_ns + 4);
  }

  get startLow(): number {
    return this.#u32(Event.start_ns);
  }

  /** Nanoseconds from the first request packet to the last response packet. */
  get durationNano(): number {
    const high = this.#u32(Event.end_ns + 4) - this.#u32(Event.start_ns + 4);
    return high * 2 ** 32 + (this.#u32(Event.end_ns) - this.#u32(Event.start_ns));
  }

  get clientAddress(): string {
    return readAddress(this.#memory, this.#offset + Event.client_address);
  }

  get serverAddress(): string {
    return readAddress(this.#memory, this.#offset + Event.server_address);
  }

  get clientPort(): number {
    return this.#u16(Event.client_port);
  }

  get serverPort(): number {
    return this.#u16(Event.server_port);
  }

  /** 0: no response was seen. */
  get status(): number {
    return this.#u16(Event.status);
  }

  /** "1.0" or "1.1"; 1.1 when neither message's start line was seen whole. */
  get version(): string {
    return this.#u8(Event.version) === 1 ? "1.0" : "1.1";
  }

  get outcome(): HttpOutcome {
    return OUTCOMES[this.#u8(Event.outcome)] ?? "complete";
  }

  get method(): string {
    return this.#text(Event.method, this.#u8(Event.method_len));
  }

  get path(): string {
    return this.#text(Event.target, this.#u8(Event.path_len));
  }

  get pathTruncated(): boolean {
    return (this.#u8(Event.flags) & http_flags.HTTP_PATH_TRUNCATED) !== 0;
  }

  /** Behind `?`; undefined when there is none or it is not captured. */
  get query(): string | undefined {
    const start = this.#u8(Event.path_len) + QUESTION_MARK;
    const end = this.#u8(Event.target_len);
    if (start > end) return undefined;
    const at = this.#offset + Event.target;
    return this.#memory.bytes.utf8Slice(at + start, at + end);
  }

  get host(): string | undefined {
    return this.#optional(Event.host, this.#u8(Event.host_len));
  }

  get userAgent(): string | undefined {
    return this.#optional(Event.user_agent, this.#u8(Event.user_agent_len));
  }

  get traceparent(): string | undefined {
    return this.#optional(Event.traceparent, this.#u8(Event.traceparent_len));
  }

  get #memory(): RingMemory {
    return this.#batch.memory;
  }

  #u8(field: number): number {
    return this.#memory.bytes[this.#offset + field] as number;
  }

  #u16(field: number): number {
    return this.#memory.u16[(this.#offset + field) >> 1] as number;
  }

  #u32(field: number): number {
    return this.#memory.u32[(this.#offset + field) >> 2] as number;
  }

  #text(field: number, length: number): string {
    return readText(this.#memory, this.#offset + field, length);
  }

  #optional(field: number, length: number): string | undefined {
    return length === 0 ? undefined : this.#text(field, length);
  }
}
