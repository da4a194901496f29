import { RawBatch, type RingMemory, ringMemory } from "./batch.ts";
import type { ClockOffset } from "./clock.ts";
import type { History, HistoryReader } from "./event.ts";
import { HttpCursor } from "./http-cursor.ts";
import { batch as Batch } from "./layout.generated.ts";
import { http } from "./protocol.ts";
import type { Stream } from "./stream.ts";
import type { TargetPolicy } from "./target-policy.ts";

export interface HistoryLimits {
  maxBytes: number;
  maxAgeMillis: number;
}

/** A batch that is kept. */
interface Kept {
  stream: Stream<unknown>;
  clock: ClockOffset;
  firstSeq: number;
  length: number;
  /** Where it lies; a multiple of 8. */
  offset: number;
  deliveredMillis: number;
}

/** Fewer are not worth moving the others for. */
const SPENT_MIN = 1024;

/** Copies of raw batches in a ring of memory: the newest take the place of the oldest. */
export class BatchHistory implements History {
  readonly #memory: RingMemory;
  readonly #maxAgeMillis: number;
  readonly #policy: TargetPolicy;
  readonly #cursor: HttpCursor;
  readonly #nowMillis: () => number;
  /** In order; those before `#first` are gone. */
  #kept: (Kept | undefined)[] = [];
  #first = 0;
  /** Where the next batch goes. */
  #head = 0;
  #nextSeq = 1;
  /** When the newest of those that are gone was delivered. */
  #goneMillis = Number.NEGATIVE_INFINITY;

  /** nowMillis: monotonic. */
  constructor({ maxBytes, maxAgeMillis }: HistoryLimits, policy: TargetPolicy, nowMillis = () => performance.now()) {
    // Pages that were never written cost nothing, so what is set is a bound and not a price.
    this.#memory = ringMemory(new ArrayBuffer(Math.floor(maxBytes / 8) * 8));
    this.#maxAgeMillis = maxAgeMillis;
    this.#policy = policy;
    this.#cursor = new HttpCursor(policy);
    this.#nowMillis = nowMillis;
  }

  get firstSeq(): number {
    this.#forgetOld();
    return this.#kept[this.#first]?.firstSeq ?? this.#nextSeq;
  }

  since(agoMillis: number): { seq: number; isWhole: boolean } {
    this.#forgetOld();
    const fromMillis = this.#nowMillis() - agoMillis;
    const index = this.#search(({ deliveredMillis }) => deliveredMillis >= fromMillis);
    return { seq: this.#kept[index]?.firstSeq ?? this.#nextSeq, isWhole: this.#goneMillis < fromMillis };
  }

  read(seq: number, reader: HistoryReader): boolean {
    this.#forgetOld();
    const kept = this.#kept[this.#search(({ firstSeq, length }) => firstSeq + length > seq)];
    if (kept === undefined || kept.firstSeq > seq) return false;
    this.#give(kept, reader);
    return true;
  }

  /** Keeps a copy of a batch that is being delivered. firstSeq: of its first event, behind that of all before. */
  append<V>(stream: Stream<V>, raw: RawBatch, firstSeq: number, clock: ClockOffset): void {
    this.#nextSeq = firstSeq + raw.length;
    const size = (Batch.SIZE + raw.length * raw.eventSize + 7) & ~7;
    const offset = this.#makeRoom(size);
    if (offset === undefined) return;
    const { bytes } = raw.memory;
    const from = raw.eventOffset(0) - Batch.SIZE;
    bytes.copy(this.#memory.bytes, offset, from, from + Batch.SIZE + raw.length * raw.eventSize);
    this.#kept.push({ stream, clock, firstSeq, length: raw.length, offset, deliveredMillis: this.#nowMillis() });
  }

  #give({ stream: { protocol, decode }, firstSeq, offset, clock }: Kept, reader: HistoryReader): void {
    const copy = new RawBatch(this.#memory, offset);
    if (protocol.number === http.number) {
      this.#cursor.open(copy, firstSeq, clock);
      reader.offerRaw(this.#cursor);
      this.#cursor.close();
      return;
    }
    const views = Array.from({ length: copy.length }, (_, index) => protocol.viewOf(copy, copy.eventOffset(index)));
    reader.offer(views.map((view, index) => decode(view, firstSeq + index, clock, this.#policy)));
  }

  /** Of the first batch from which on the condition holds; one behind the last when it holds for none. */
  #search(holds: (kept: Kept) => boolean): number {
    let low = this.#first;
    let high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(this.#kept[middle] as Kept)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Undefined when the batch is larger than all there is. */
  #makeRoom(size: number): number | undefined {
    const capacity = this.#memory.bytes.length;
    if (size > capacity) {
      this.#forgetWhile(() => true);
      this.#goneMillis = this.#nowMillis();
      return undefined;
    }
    if (this.#head + size > capacity) {
      const spent = this.#head;
      this.#forgetWhile(({ offset }) => offset >= spent);
      this.#head = 0;
    }
    const offset = this.#head;
    this.#head += size;
    this.#forgetWhile((kept) => kept.offset >= offset && kept.offset < this.#head);
    return offset;
  }

  #forgetOld(): void {
    const oldest = this.#nowMillis() - this.#maxAgeMillis;
    this.#forgetWhile(({ deliveredMillis }) => deliveredMillis < oldest);
  }

  #forgetWhile(condition: (kept: Kept) => boolean): void {
    for (let kept = this.#kept[this.#first]; kept !== undefined && condition(kept); kept = this.#kept[this.#first]) {
      this.#goneMillis = kept.deliveredMillis;
      this.#kept[this.#first++] = undefined;
    }
    if (this.#first < SPENT_MIN || this.#first * 2 < this.#kept.length) return;
    this.#kept = this.#kept.slice(this.#first);
    this.#first = 0;
  }
}
