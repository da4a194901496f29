/** @import { Link } from "./link.d.ts" */
/** @import { Filter } from "./index.d.ts" */
import { ConnectError } from "./connect-error.js";

/** @typedef {{ filter: Filter, resolve: (change: { fromSeq: number }) => void, reject: (error: unknown) => void }} FilterChange */

/** What is awaited of one connection. */
export class Session {
  isGreeted = false;
  isEnded = false;
  /** It was ended to wait for room. */
  isLetGo = false;
  /** @type {FilterChange | undefined} */
  change;
  #heardMillis = performance.now();
  #isPaused = false;
  /** @type {(heartbeatMillis: number) => void} */
  onGreeted = () => {};
  /** Of the last barrier. */
  #syncedId = 0;
  /** @type {{ id: number, resolve: (isReached: boolean) => void }[]} */
  #waiters = [];

  /** Something came. */
  heard() {
    this.#heardMillis = performance.now();
  }

  /** For so long nothing has come, though it would have been read. */
  get silentMillis() {
    return this.#isPaused ? 0 : performance.now() - this.#heardMillis;
  }

  /** Nothing is read until then. @param {Promise<void> | undefined} room @returns {Promise<void> | undefined} */
  pauseUntil(room) {
    if (room === undefined) return undefined;
    this.#isPaused = true;
    return room.then(() => {
      this.#isPaused = false;
      this.heard();
    });
  }

  /** @param {number} heartbeatMillis */
  greet(heartbeatMillis) {
    this.isGreeted = true;
    this.onGreeted(heartbeatMillis);
  }

  /** @param {number} id of a barrier, before which everything has come */
  reach(id) {
    this.#syncedId = Math.max(this.#syncedId, id);
    this.#settle();
  }

  /** @param {number} id @returns {Promise<boolean>} false: the connection ended before */
  reached(id) {
    return new Promise((resolve) => {
      this.#waiters.push({ id, resolve });
      this.#settle();
    });
  }

  end() {
    this.isEnded = true;
    this.change?.reject(new ConnectError("broken", "the connection broke before the filter was changed"));
    this.change = undefined;
    this.#settle();
  }

  #settle() {
    this.#waiters = this.#waiters.filter(({ id, resolve }) => {
      const isReached = id <= this.#syncedId;
      if (isReached || this.isEnded) resolve(isReached);
      return !isReached && !this.isEnded;
    });
  }
}
