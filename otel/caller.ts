/**
 * The `traceparent` header as it stands in a raw event.
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 * @module
 */
import type { RawHttpEvent } from "../ffi/event.ts";
import { parseTraceparent } from "./traceparent.ts";

const TRACE_ID_BYTES = 16;
const ID_BYTES = 24;

/** `00-` trace id `-` span id `-` flags. */
const LENGTH_OF_00 = 55;
const DASH_BEFORE_SPAN_ID = 35;
const DASH_BEFORE_FLAGS = 52;
const ZERO = 48;
const DASH = 45;

/** Value of a lower-case hexadecimal digit; anything else has the high bits set. */
const NO_DIGIT = 0xf0;
const DIGITS = new Uint8Array(256).fill(NO_DIGIT);
for (const [value, digit] of [..."0123456789abcdef"].entries()) DIGITS[digit.charCodeAt(0)] = value;

/** The caller's span as the last event read named it. One object for many events. */
class Caller {
  /** False: the event names none, or not in a valid way, and begins a trace of its own. The rest is then not valid. */
  isKnown = false;
  /** 8 bits; bit 0 is `sampled`. */
  flags = 0;
  readonly #ids = Buffer.alloc(ID_BYTES);
  readonly traceIdBytes = this.#ids.subarray(0, TRACE_ID_BYTES);
  readonly spanIdBytes = this.#ids.subarray(TRACE_ID_BYTES);

  /** Tells the same of the bytes as {@link parseTraceparent} does of the text. */
  read(event: RawHttpEvent): void {
    const length = event.traceparentLength;
    if (length === 0) this.isKnown = false;
    else if (length === LENGTH_OF_00 && this.#isVersion00(event)) this.#readVersion00(event);
    else this.#readText(event, length);
  }

  /** 32 lower-case hex digits. */
  get traceId(): string {
    return this.traceIdBytes.toString("hex");
  }

  #isVersion00({ bytes, traceparentAt: at }: RawHttpEvent): boolean {
    return bytes[at] === ZERO && bytes[at + 1] === ZERO && bytes[at + 2] === DASH;
  }

  #readVersion00({ bytes, traceparentAt: at }: RawHttpEvent): void {
    const ids = this.#ids;
    let seen = 0;
    const byteAt = (position: number): number => {
      const high = DIGITS[bytes[position] as number] as number;
      const low = DIGITS[bytes[position + 1] as number] as number;
      seen |= high | low;
      return (high << 4) | low;
    };
    let traceBits = 0;
    for (let i = 0; i < TRACE_ID_BYTES; i++) traceBits |= ids[i] = byteAt(at + 3 + 2 * i);
    let spanBits = 0;
    for (let i = TRACE_ID_BYTES; i < ID_BYTES; i++) spanBits |= ids[i] = byteAt(at + 4 + 2 * i);
    this.flags = byteAt(at + DASH_BEFORE_FLAGS + 1);
    const areDashes = bytes[at + DASH_BEFORE_SPAN_ID] === DASH && bytes[at + DASH_BEFORE_FLAGS] === DASH;
    this.isKnown = seen < NO_DIGIT && areDashes && traceBits !== 0 && spanBits !== 0;
  }

  #readText({ bytes, traceparentAt: at }: RawHttpEvent, length: number): void {
    const parent = parseTraceparent(bytes.toString("utf8", at, at + length));
    this.isKnown = parent !== undefined;
    if (parent === undefined) return;
    this.#ids.write(parent.traceId + parent.spanId, "hex");
    this.flags = parent.traceFlags;
  }
}

export { Caller };
