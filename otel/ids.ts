/**
 * Trace and span ids. They are computed from the event's sequence number, so whoever has the event knows its span: an
 * exemplar can point at a span that is encoded elsewhere, and nothing has to be kept between sampling and encoding.
 * @see https://www.w3.org/TR/trace-context/#trace-id
 * @module
 */
import type { SpanSide } from "./side.ts";

/** A stream is a sequence of 64-bit numbers of its own: a permutation, so that no number comes twice. */
const STREAM = { server: 0, client: 1, traceHigh: 2, traceLow: 3 } as const;
const STREAM_COUNT = 4;
const ROUNDS = 4;
const TWO_TO_32 = 2 ** 32;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/** Fills the buffer with random bytes. Injected by tests. */
type RandomSource = (bytes: Uint8Array) => void;

/** One for the process: its key, drawn once, sets its ids apart from everybody else's. */
class IdGenerator {
  readonly #key = new Uint32Array(STREAM_COUNT * ROUNDS);
  readonly #scratch = Buffer.alloc(TRACE_ID_BYTES);

  constructor(random: RandomSource = (bytes) => crypto.getRandomValues(bytes)) {
    random(new Uint8Array(this.#key.buffer));
  }

  /** 32 lower-case hex digits, never all zero: of the trace that begins with event `seq`. */
  traceId(seq: number): string {
    this.writeTraceId(seq, this.#scratch, 0);
    return this.#scratch.toString("hex", 0, TRACE_ID_BYTES);
  }

  /** 16 lower-case hex digits, never all zero: of the span that one side gets of event `seq`. */
  spanId(seq: number, side: SpanSide): string {
    this.writeSpanId(seq, side, this.#scratch, 0);
    return this.#scratch.toString("hex", 0, SPAN_ID_BYTES);
  }

  /** The same as 16 bytes. */
  writeTraceId(seq: number, bytes: Uint8Array, at: number): void {
    this.#write(seq, STREAM.traceHigh, bytes, at);
    this.#write(seq, STREAM.traceLow, bytes, at + SPAN_ID_BYTES);
  }

  /** The same as 8 bytes. */
  writeSpanId(seq: number, side: SpanSide, bytes: Uint8Array, at: number): void {
    this.#write(seq, STREAM[side], bytes, at);
  }

  /** A Feistel network over the two halves of `seq`: any round function makes it a permutation, this one a good mixer. */
  #write(seq: number, stream: number, bytes: Uint8Array, at: number): void {
    const key = this.#key;
    let left = (seq / TWO_TO_32) >>> 0;
    let right = seq >>> 0;
    for (let round = stream * ROUNDS; round < (stream + 1) * ROUNDS; round++) {
      const next = left ^ mix(right + (key[round] as number));
      left = right;
      right = next;
    }
    // All zero is no id; the one number in 2^64 that would be gives way.
    if ((left | right) === 0) right = 1;
    writeUint32(left, bytes, at);
    writeUint32(right, bytes, at + 4);
  }
}

/** Chris Wellons' lowbias32: every bit of the input changes every bit of the result in nearly half of all cases. */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb_352d);
  x = Math.imul(x ^ (x >>> 15), 0x846c_a68b);
  return x ^ (x >>> 16);
}

function writeUint32(value: number, bytes: Uint8Array, at: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export { IdGenerator, type RandomSource };
