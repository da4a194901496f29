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
const TRACE_ID_AT = 3;
const SPAN_ID_AT = 36;
const FLAGS_AT = 53;
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
  traceFlags = 0;
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
    let seen = this.#readDigits(bytes, at + TRACE_ID_AT, 0, TRACE_ID_BYTES);
    seen |= this.#readDigits(bytes, at + SPAN_ID_AT, TRACE_ID_BYTES, ID_BYTES);
    const high = DIGITS[bytes[at + FLAGS_AT] as number] as number;
    const low = DIGITS[bytes[at + FLAGS_AT + 1] as number] as number;
    this.traceFlags = (high << 4) | low;
    const areDigits = (seen | high | low) < NO_DIGIT;
    const areDashes = bytes[at + SPAN_ID_AT - 1] === DASH && bytes[at + FLAGS_AT - 1] === DASH;
    this.isKnown = areDigits && areDashes && isSet(this.traceIdBytes) && isSet(this.spanIdBytes);
  }

  /** Reads digits into the bytes of `#ids` from `from` to `to`. Returns the bits that their values have together. */
  #readDigits(bytes: Buffer, at: number, from: number, to: number): number {
    const ids = this.#ids;
    let seen = 0;
    for (let i = from, digit = at; i < to; i++, digit += 2) {
      const high = DIGITS[bytes[digit] as number] as number;
      const low = DIGITS[bytes[digit + 1] as number] as number;
      seen |= high | low;
      ids[i] = (high << 4) | low;
    }
    return seen;
  }

  #readText({ bytes, traceparentAt: at }: RawHttpEvent, length: number): void {
    const parent = parseTraceparent(bytes.toString("utf8", at, at + length));
    this.isKnown = parent !== undefined;
    if (parent === undefined) return;
    this.#ids.write(parent.traceId + parent.spanId, "hex");
    this.traceFlags = parent.traceFlags;
  }
}

function isSet(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return true;
  return false;
}

export { Caller };
