import type { EventBatch } from "../../ffi/batch.ts";
import type { TortureEventView } from "./event-view.ts";

const SOURCES_MAX = 1024;
const FAULTS_SHOWN = 20;

/** How many events had arrived at one moment. */
export interface Arrived {
  bySource: Float64Array;
  byCpu: Float64Array;
}

/** Every event that the consumer was given: counted, held against the promises, and remembered by a bit of its own. */
export class Arrivals {
  /** What broke a promise, the first few. */
  readonly faults: string[] = [];
  events = 0;
  batches = 0;
  readonly #bySource = new Float64Array(SOURCES_MAX);
  readonly #byCpu: Float64Array;
  readonly #nextIdx: Float64Array;
  readonly #nextSequence = new Float64Array(SOURCES_MAX);
  readonly #bits: Uint8Array[] = [];
  #sources = 0;

  constructor(cpus: number) {
    this.#byCpu = new Float64Array(cpus);
    this.#nextIdx = new Float64Array(cpus);
  }

  add(batch: EventBatch<TortureEventView>): void {
    const { cpu, length } = batch;
    if (batch.raw.idx !== this.#nextIdx[cpu]) {
      this.#fault(`CPU ${cpu}: batch ${batch.raw.idx} came where ${this.#nextIdx[cpu]} was due`);
    }
    this.#nextIdx[cpu] = batch.raw.idx + 1;
    for (const event of batch) this.#addEvent(cpu, event);
    this.#byCpu[cpu] = (this.#byCpu[cpu] as number) + length;
    this.events += length;
    this.batches++;
  }

  now(): Arrived {
    return { bySource: this.#bySource.slice(0, this.#sources), byCpu: this.#byCpu.slice() };
  }

  /** A bit for each sequence of a source that arrived, lowest bit first; bytes behind the last are not there. */
  bitsOf(source: number): Uint8Array {
    return this.#bits[source] ?? new Uint8Array();
  }

  #addEvent(cpu: number, event: TortureEventView): void {
    const { source, sequence, madeOnCpu } = event;
    if (!event.isWhole || source >= SOURCES_MAX) {
      this.#fault(`CPU ${cpu}: a torn event of source ${source}`);
      return;
    }
    if (madeOnCpu !== cpu) this.#fault(`an event made on CPU ${madeOnCpu} came in a batch of CPU ${cpu}`);
    // A source makes one event after the other, on one CPU, so it takes their slots in this order.
    const due = this.#nextSequence[source] as number;
    if (sequence < due) this.#fault(`source ${source}: event ${sequence} came after event ${due - 1}`);
    this.#nextSequence[source] = Math.max(due, sequence + 1);
    this.#sources = Math.max(this.#sources, source + 1);
    this.#bySource[source] = (this.#bySource[source] as number) + 1;
    this.#setBit(source, sequence);
  }

  #setBit(source: number, sequence: number): void {
    const index = Math.floor(sequence / 8);
    const mask = 1 << (sequence % 8);
    let bits = this.bitsOf(source);
    if (index >= bits.length) {
      const larger = new Uint8Array(Math.max(2 * index, 1024));
      larger.set(bits);
      bits = larger;
      this.#bits[source] = bits;
    }
    const byte = bits[index] as number;
    if ((byte & mask) !== 0) this.#fault(`source ${source}: event ${sequence} came twice`);
    bits[index] = byte | mask;
  }

  #fault(what: string): void {
    if (this.faults.length < FAULTS_SHOWN) this.faults.push(what);
  }
}
