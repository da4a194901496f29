/**
 * The fast way of a span: from the kernel's bytes to OTLP's as soon as it is offered, without an object between.
 * @module
 */
import type { RawHttpEvent } from "../ffi/event.ts";
import { ByteWriter } from "./byte-writer.ts";
import { Caller } from "./caller.ts";
import type { IdGenerator } from "./ids.ts";
import type { Batcher } from "./queue.ts";
import type { EventSampler } from "./sampler.ts";
import { SpanEncoder, type SpanEncoderOptions } from "./span-encoder.ts";

/** Half of what a collector takes by default, less than what OTLP allows; a batch of 512 spans has some 200 KB. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
const CAPACITY_MIN = 16 * 1024;

interface EncodedBatcherOptions extends SpanEncoderOptions {
  sampler: EventSampler;
}

/** Its payload is the values of `ScopeSpans.spans`. */
class EncodedBatcher implements Batcher<Uint8Array> {
  readonly #sampler: EventSampler;
  readonly #ids: IdGenerator;
  readonly #encoder: SpanEncoder;
  readonly #caller = new Caller();
  readonly #out = new ByteWriter(CAPACITY_MIN);

  constructor(options: EncodedBatcherOptions) {
    this.#sampler = options.sampler;
    this.#ids = options.ids;
    this.#encoder = new SpanEncoder(options);
  }

  wants(event: RawHttpEvent): boolean {
    const caller = this.#caller;
    caller.read(event);
    const rule = this.#sampler.rule(caller.isKnown ? caller.flags : undefined);
    return rule ?? this.#sampler.isInRatio(caller.isKnown ? caller.traceId : this.#ids.traceId(event.seq));
  }

  add(event: RawHttpEvent): void {
    this.#encoder.encode(event, this.#caller, this.#out);
  }

  get isFull(): boolean {
    return this.#out.at >= BATCH_BYTES_MAX;
  }

  take(): Uint8Array {
    return this.#out.take();
  }
}

export { EncodedBatcher };
