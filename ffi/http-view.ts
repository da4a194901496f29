import type { HttpOutcome } from "./event.ts";
import { TimedEventView } from "./event-view.ts";
import { http_event as Event, http_flags, http_outcome, text_limits } from "./layout.generated.ts";

const OUTCOMES: readonly HttpOutcome[] = Object.keys(http_outcome).map(
  (name) => name.replace("HTTP_OUTCOME_", "").toLowerCase() as HttpOutcome,
);
const QUESTION_MARK = 1;

/** One `struct http_event` in place. @throws ExpiredViewError from every accessor after the callback has returned */
export class HttpEventView extends TimedEventView {
  protected get times() {
    return Event;
  }

  get clientAddress(): string {
    return this.address(Event.client_address);
  }

  get serverAddress(): string {
    return this.address(Event.server_address);
  }

  /** Behind a destination NAT; undefined when none was seen. */
  get answeredAddress(): string | undefined {
    return this.isZero(Event.answered_address, 16) ? undefined : this.address(Event.answered_address);
  }

  get answeredPort(): number {
    return this.u16(Event.answered_port);
  }

  /** Nanoseconds from start to the first packet of the final response; undefined when none came. */
  get timeToFirstByteNano(): number | undefined {
    if (this.isZero(Event.first_byte_ns, 8)) return undefined;
    return this.u64Difference(Event.first_byte_ns, Event.start_ns);
  }

  /** Sizes are as `struct http_event` describes them; bodies exact below 2^53. */
  get requestHeaderBytes(): number {
    return this.u32(Event.request_header_bytes);
  }

  get requestBodyBytes(): number {
    return this.u64(Event.request_body_bytes);
  }

  get responseHeaderBytes(): number {
    return this.u32(Event.response_header_bytes);
  }

  get responseBodyBytes(): number {
    return this.u64(Event.response_body_bytes);
  }

  get clientPort(): number {
    return this.u16(Event.client_port);
  }

  get serverPort(): number {
    return this.u16(Event.server_port);
  }

  /** 0: no response was seen. */
  get status(): number {
    return this.u16(Event.status);
  }

  /** "1.0" or "1.1"; 1.1 when neither message's start line was seen whole. */
  get version(): string {
    return this.u8(Event.version) === 1 ? "1.0" : "1.1";
  }

  get outcome(): HttpOutcome {
    return OUTCOMES[this.u8(Event.outcome)] ?? "complete";
  }

  get method(): string {
    return this.repeatedText(Event.method, this.u8(Event.method_len));
  }

  get path(): string {
    return this.text(Event.target, this.u16(Event.path_len));
  }

  get pathTruncated(): boolean {
    return (this.u8(Event.flags) & http_flags.HTTP_PATH_TRUNCATED) !== 0;
  }

  /** Behind `?`; undefined when there is none or it is not captured. */
  get query(): string | undefined {
    const start = this.u16(Event.path_len) + QUESTION_MARK;
    const end = this.u16(Event.target_len);
    if (start > end) return undefined;
    const at = this.at(Event.target);
    return this.memory.bytes.utf8Slice(at + start, at + end);
  }

  get host(): string | undefined {
    return this.#repeated(Event.host, this.u8(Event.host_len));
  }

  get userAgent(): string | undefined {
    return this.#repeated(Event.user_agent, this.u8(Event.user_agent_len));
  }

  /** Of a list that was too long to be kept whole, the members that are whole. */
  get tracestate(): string | undefined {
    const length = this.u8(Event.tracestate_len);
    if (length === 0) return undefined;
    const list = this.text(Event.tracestate, length);
    if (length < text_limits.HTTP_TRACESTATE_MAX) return list;
    return list.slice(0, Math.max(0, list.lastIndexOf(","))) || undefined;
  }

  /** Unlike the other texts this one is never the same twice. */
  get traceparent(): string | undefined {
    const length = this.u8(Event.traceparent_len);
    return length === 0 ? undefined : this.text(Event.traceparent, length);
  }

  #repeated(field: number, length: number): string | undefined {
    return length === 0 ? undefined : this.repeatedText(field, length);
  }
}
