import type { Subscriber } from "./subscriber.ts";

/** Who holds most memory is not looked for more often: there may be many, and it hardly changes. */
const LARGEST_MILLIS = 5;

/** Who lags most gives up what it has held longest, so that it does not cost those who lag less. */
class RoomMaker {
  readonly #subscribers: Iterable<Subscriber>;
  readonly #nowMillis: () => number;
  /** Who held most memory, and when that was looked for. */
  #largest: Subscriber | undefined;
  #largestMillis = 0;

  /** subscribers: those who are there, at any time. */
  constructor(subscribers: Iterable<Subscriber>, nowMillis: () => number) {
    this.#subscribers = subscribers;
    this.#nowMillis = nowMillis;
  }

  /** False when nobody who holds more than the asker gave up any. */
  makeRoom(asker: Subscriber): boolean {
    const now = this.#nowMillis();
    if (this.#largest === undefined || this.#largest.closed || now - this.#largestMillis > LARGEST_MILLIS) {
      this.#largestMillis = now;
      this.#largest = undefined;
      for (const one of this.#subscribers) if (one.queuedBytes > (this.#largest?.queuedBytes ?? 0)) this.#largest = one;
    }
    const largest = this.#largest;
    return largest !== undefined && largest.queuedBytes > asker.queuedBytes && largest.giveUpMemory();
  }
}

export { RoomMaker };
