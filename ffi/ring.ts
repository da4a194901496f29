import { type RingMemory, ringMemory } from "./batch.ts";
import { barrier_done as BarrierDone, barrier_limits, record as RecordHead, record_kind } from "./layout.generated.ts";
import { type Pointer, type ReaderSymbols, toArrayBuffer } from "./symbols.ts";

/** Receives the records of the shared ring, in order. Must not throw. */
export interface RecordHandler {
  /** offset: of `struct batch` in the ring. */
  onBatch(memory: RingMemory, offset: number): void;
  onBarrier(ticket: number, missingCpus: number[]): void;
  onStopped(): void;
  onEnded(): void;
  /** Nothing more will come in this turn; called after the last record of a turn. */
  onPause(): void;
}

/** Other work of the process waits no longer than this, and a few records, for a full ring. */
const SLICE_MILLIS = 8;
const RECORDS_PER_CHECK = 64;

/** Reads the shared ring on the JavaScript side: one foreign call for many records, none for an event. */
export class Ring {
  readonly memory: RingMemory;
  readonly #symbols: ReaderSymbols;
  readonly #reader: Pointer;
  readonly #buffer: ArrayBuffer;
  readonly #size: number;
  readonly #handler: RecordHandler;
  #tail = 0;
  #held = false;
  #closed = false;

  constructor(symbols: ReaderSymbols, reader: Pointer, size: number, handler: RecordHandler) {
    const base = symbols.reader_ring(reader);
    if (base === null) throw new TypeError("the reader has no ring");
    this.#symbols = symbols;
    this.#reader = reader;
    this.#buffer = toArrayBuffer(base as Pointer, 0, size);
    this.memory = ringMemory(this.#buffer);
    this.#size = size;
    this.#handler = handler;
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that wait to be read. */
  get used(): number {
    return this.#closed ? 0 : this.#symbols.reader_head(this.#reader) - this.#tail;
  }

  /** Reads all there is, in slices, then asks to be woken. */
  readonly drain = (): void => {
    if (this.#closed) return;
    const deadline = performance.now() + SLICE_MILLIS;
    const symbols = this.#symbols;
    let head = symbols.reader_head(this.#reader);
    while (!this.#held) {
      if (this.#tail === head) head = symbols.reader_arm(this.#reader);
      if (this.#tail === head) break;
      for (let count = 0; count < RECORDS_PER_CHECK && this.#tail < head && !this.#held; count++) this.#take();
      symbols.reader_release(this.#reader, this.#tail);
      if (performance.now() > deadline) {
        setImmediate(this.drain);
        break;
      }
    }
    this.#handler.onPause();
  };

  /** Takes no further record, until {@link resume}; what the writer has then waits in the ring, and it waits for room. */
  hold(): void {
    this.#held = true;
  }

  resume(): void {
    if (!this.#held) return;
    this.#held = false;
    setImmediate(this.drain);
  }

  /** Detaches every view of the memory, so that none can outlive it. */
  close(): void {
    this.#closed = true;
    this.#buffer.transfer(0);
  }

  #take(): void {
    const offset = this.#tail % this.#size;
    const { u32 } = this.memory;
    const kind = u32[(offset + RecordHead.kind) >> 2];
    const size = u32[(offset + RecordHead.size) >> 2] as number;
    const payload = offset + RecordHead.SIZE;
    if (kind === record_kind.RECORD_BATCH) this.#handler.onBatch(this.memory, payload);
    else if (kind === record_kind.RECORD_BARRIER) this.#takeBarrier(payload);
    else if (kind === record_kind.RECORD_STOPPED) this.#handler.onStopped();
    else if (kind === record_kind.RECORD_ENDED) this.#handler.onEnded();
    this.#tail += size;
  }

  #takeBarrier(offset: number): void {
    const { u16, u32 } = this.memory;
    const count = u32[(offset + BarrierDone.missing_count) >> 2] as number;
    const first = (offset + BarrierDone.missing) >> 1;
    const listed = Math.min(count, barrier_limits.BARRIER_MISSING_MAX);
    this.#handler.onBarrier(u32[(offset + BarrierDone.ticket) >> 2] as number, [
      ...u16.subarray(first, first + listed),
    ]);
  }
}
