/** @import { ObservedEvent } from "./index.d.ts" */

/** @typedef {{ resolve: (result: IteratorResult<ObservedEvent, undefined>) => void, reject: (error: unknown) => void }} Waiter */

/** Events that have arrived and are yet to be taken. */
export class EventBuffer {
  /** @type {ObservedEvent[][]} */
  #batches = [];
  /** Of the first batch, taken. */
  #taken = 0;
  #count = 0;
  #max;
  #isEnded = false;
  /** @type {unknown} */
  #error;
  /** @type {Waiter[]} */
  #waiters = [];
  /** @type {(() => void)[]} */
  #roomWaiters = [];

  /** @param {number} max events, beyond which there is no room */
  constructor(max) {
    this.#max = max;
  }

  /** @param {ObservedEvent[]} events at least one */
  push(events) {
    this.#batches.push(events);
    this.#count += events.length;
    while (this.#waiters.length > 0 && this.#count > 0) this.#waiters.shift()?.resolve(this.#take());
  }

  /** What is in it is still given; then the iteration ends, or throws. @param {unknown} [error] */
  end(error) {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    for (const { resolve, reject } of this.#waiters.splice(0))
      if (error === undefined) resolve({ done: true, value: undefined });
      else reject(error);
    this.#wakeRoom();
  }

  get isFull() {
    return this.#count > this.#max;
  }

  /** @returns {Promise<void> | undefined} undefined: there is room; otherwise resolves when half is free, or all is over */
  room() {
    if (!this.isFull || this.#isEnded) return undefined;
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /** @returns {Promise<IteratorResult<ObservedEvent, undefined>>} */
  next() {
    if (this.#count > 0) return Promise.resolve(this.#take());
    if (!this.#isEnded) return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
    if (this.#error === undefined) return Promise.resolve({ done: true, value: undefined });
    const error = this.#error;
    // It is thrown once; who goes on after that is at the end.
    this.#error = undefined;
    return Promise.reject(error);
  }

  /** @returns {IteratorResult<ObservedEvent, undefined>} */
  #take() {
    const batch = /** @type {ObservedEvent[]} */ (this.#batches[0]);
    const value = /** @type {ObservedEvent} */ (batch[this.#taken++]);
    this.#count--;
    if (this.#taken === batch.length) {
      this.#batches.shift();
      this.#taken = 0;
    }
    if (this.#roomWaiters.length > 0 && this.#count <= this.#max / 2) this.#wakeRoom();
    return { done: false, value };
  }

  #wakeRoom() {
    for (const wake of this.#roomWaiters.splice(0)) wake();
  }
}
