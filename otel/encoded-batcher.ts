/**
 * The fast way of a span: from the kernel's bytes to OTLP's as soon as it is offered, without an object between.
 * @module
 */
import type { RawHttpEvent } from "../ffi/event.ts";
import { ByteWriter } from "./byte-writer.ts";
import { Caller } from "./caller.ts";
import type { Batcher } from "./queue.ts";
import type { EventSampler } from "./sampler.ts";
import { SpanEncoder, type SpanEncoderOptions } from "./span-encoder.ts";
import { HEAD_ROOM } from "./trace-request.ts";

/** Half of what a collector takes by default, less than what OTLP allows; a batch of 512 spans has some 260 KB. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
const CAPACITY_MIN = 16 * 1024;
/** Spare buffers: as many as requests that end together leave behind. */
const SPARES_MAX = 16;

interface EncodedBatcherOptions extends SpanEncoderOptions {
  sampler: EventSampler;
}

/**
 * Its payload is the values of `ScopeSpans.spans` behind {@link HEAD_ROOM} free bytes. Payloads that come back are written
 * anew: at the rate of a busy host the buffers alone would be work for the garbage collector.
 */
class EncodedBatcher implements Batcher<ByteWriter> {
  readonly #sampler: EventSampler;
  readonly #encoder: SpanEncoder;
  readonly #caller = new Caller();
  readonly #spares: ByteWriter[] = [];
  #out = emptyWriter(CAPACITY_MIN);

  constructor(options: EncodedBatcherOptions) {
    this.#sampler = options.sampler;
    this.#encoder = new SpanEncoder(options);
  }

  wants(event: RawHttpEvent): boolean {
    const caller = this.#caller;
    caller.read(event);
    return this.#sampler.decide(event.seq, caller.isKnown ? caller : undefined);
  }

  add(event: RawHttpEvent): void {
    this.#encoder.encode(event, this.#caller, this.#out);
  }

  get isFull(): boolean {
    return this.#out.at >= BATCH_BYTES_MAX;
  }

  take(): ByteWriter {
    const taken = this.#out;
    // Many small batches may wait for long: each keeps what it needs, not what a large one would.
    if (isSlack(taken)) return trimmed(taken);
    this.#out = this.#spares.pop() ?? emptyWriter(taken.at + taken.at / 8);
    return taken;
  }

  recycle(spans: ByteWriter): void {
    const isSmall = spans.bytes.length * 2 < this.#out.bytes.length;
    if (isSmall || this.#spares.length >= SPARES_MAX) return;
    spans.at = HEAD_ROOM;
    this.#spares.push(spans);
  }
}

const isSlack = ({ at, bytes }: ByteWriter): boolean => at * 2 < bytes.length;

/** What was written, in a buffer that just holds it; the writer is empty then. */
function trimmed(out: ByteWriter): ByteWriter {
  const copy = new ByteWriter(out.at);
  copy.put(out.bytes.subarray(0, out.at));
  out.at = HEAD_ROOM;
  return copy;
}

function emptyWriter(capacity: number): ByteWriter {
  const out = new ByteWriter(Math.ceil(capacity));
  out.at = HEAD_ROOM;
  return out;
}

export { EncodedBatcher };
