import type { Reader } from "../../ffi/reader.ts";

const KEPT = 1024;

/**
 * What was true at the very moment of each barrier. A promise's continuation is too late for that: between the barrier
 * and it, the reader hands out what else there is in that turn. But its listeners for pauses are called once per
 * barrier, in order, and once more at the end of the turn.
 */
export class BarrierLog<T> {
  readonly #byId = new Map<number, T>();
  #turn: T[] = [];
  #barriers = 0;

  constructor(reader: Reader, look: () => T) {
    reader.onPause(() => {
      // Comes before any continuation of this turn's barriers: these are resolved after this.
      if (this.#turn.length === 0) queueMicrotask(() => this.#endTurn());
      this.#turn.push(look());
    });
  }

  /** Of the barrier with this id, one of the latest. */
  at(id: number): T {
    const seen = this.#byId.get(id);
    if (seen === undefined) throw new RangeError(`no barrier ${id} was seen`);
    return seen;
  }

  /** Barriers until now. */
  get count(): number {
    return this.#barriers;
  }

  #endTurn(): void {
    for (const seen of this.#turn.slice(0, -1)) {
      this.#byId.set(++this.#barriers, seen);
      this.#byId.delete(this.#barriers - KEPT);
    }
    this.#turn = [];
  }
}
