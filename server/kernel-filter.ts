/**
 * Lets the kernel leave out what no subscriber wants. Whoever comes and wants more has it from then on; who leaves is reckoned
 * with for as long as the history would let it resume. While nobody is there everything is wanted, for whoever may come.
 * @module
 */

import type { Capture, WantedTransactions } from "../ffi/event.ts";
import type { Filter } from "./filter.ts";
import { covers, isEverything, NOTHING, wantedBy, wantedByAny } from "./wanted.ts";

/** What the hub tells of its subscribers. `nextSeq` is of the event that will be delivered next. */
interface Interest {
  /** From now on somebody wants what the filter selects. */
  begin(filter: Filter, nextSeq: number): void;
  /** Somebody who did does not any more. */
  end(filter: Filter): void;
  /** Was nothing left out since event `fromSeq` that the filter selects? */
  isWhole(filter: Filter, fromSeq: number): boolean;
  /** Call about once a second. */
  tend(nextSeq: number): void;
}

interface KernelFilterOptions {
  /** How long after its end an interest counts. */
  lingerMillis: number;
  /** Monotonic. */
  nowMillis?: () => number;
}

type FilteringCapture = Pick<Capture, "running" | "setWanted" | "sync">;

/** Everything but this was left out, up to an event. */
interface Omission {
  wanted: WantedTransactions;
  /** Of the first event behind it; infinite while it lasts. */
  endSeq: number;
}

const OMISSIONS_MAX = 64;

class KernelFilter implements Interest {
  readonly #lingerMillis: number;
  readonly #nowMillis: () => number;
  readonly #present = new Map<string, { wanted: WantedTransactions; count: number }>();
  readonly #past = new Map<string, { wanted: WantedTransactions; endMillis: number }>();
  readonly #omissions: Omission[] = [];
  #capture: FilteringCapture | undefined;
  /** In force; undefined: nothing is left out. */
  #wanted: WantedTransactions | undefined;
  /** No program reads conditions that were in force before any more, so that others may take their place. */
  #isSettled = true;

  constructor({ lingerMillis, nowMillis = () => performance.now() }: KernelFilterOptions) {
    this.#lingerMillis = lingerMillis;
    this.#nowMillis = nowMillis;
  }

  /** Until then nothing is left out. */
  attach(capture: FilteringCapture): void {
    this.#capture = capture;
  }

  begin(filter: Filter, nextSeq: number): void {
    const wanted = wantedBy(filter);
    const key = JSON.stringify(filter);
    const known = this.#present.get(key);
    if (known === undefined) this.#present.set(key, { wanted, count: 1 });
    else known.count += 1;
    if (this.#wanted !== undefined && !covers(this.#wanted, wanted)) this.#lift(nextSeq);
  }

  end(filter: Filter): void {
    const key = JSON.stringify(filter);
    const known = this.#present.get(key);
    if (known === undefined || --known.count > 0) return;
    this.#present.delete(key);
    this.#past.set(key, { wanted: known.wanted, endMillis: this.#nowMillis() + this.#lingerMillis });
  }

  isWhole(filter: Filter, fromSeq: number): boolean {
    const wanted = wantedBy(filter);
    return this.#omissions.every((omission) => omission.endSeq < fromSeq || covers(omission.wanted, wanted));
  }

  tend(nextSeq: number): void {
    const now = this.#nowMillis();
    for (const [key, { endMillis }] of this.#past) if (endMillis <= now) this.#past.delete(key);
    const wanted = this.#desired;
    if (wanted === undefined) {
      if (this.#wanted !== undefined) this.#lift(nextSeq);
    } else if (!Bun.deepEquals(wanted, this.#wanted)) this.#narrow(wanted, nextSeq);
  }

  get #desired(): WantedTransactions | undefined {
    if (this.#present.size === 0) return undefined;
    const union = wantedByAny([...this.#present.values(), ...this.#past.values()].map(({ wanted }) => wanted));
    return isEverything(union) ? undefined : union;
  }

  /** At once: who asks for more gets it from now on. */
  #lift(nextSeq: number): void {
    this.#capture?.setWanted(undefined);
    this.#wanted = undefined;
    this.#endOmission(nextSeq);
  }

  #narrow(wanted: WantedTransactions, nextSeq: number): void {
    const capture = this.#capture;
    if (capture === undefined || !capture.running || !this.#isSettled) return;
    if (!capture.setWanted(wanted)) {
      this.#lift(nextSeq);
      return;
    }
    this.#endOmission(nextSeq);
    this.#wanted = wanted;
    this.#omissions.push({ wanted, endSeq: Number.POSITIVE_INFINITY });
    if (this.#omissions.length > OMISSIONS_MAX) this.#forgetFirst();
    this.#isSettled = false;
    capture.sync().then(
      () => {
        this.#isSettled = true;
      },
      // The capture has ended.
      () => {},
    );
  }

  #endOmission(nextSeq: number): void {
    const last = this.#omissions.at(-1);
    if (last !== undefined) last.endSeq = Math.min(last.endSeq, nextSeq);
  }

  /** The second then stands for both, as if it had left out everything. */
  #forgetFirst(): void {
    const [, second] = this.#omissions.splice(0, 2);
    if (second !== undefined) this.#omissions.unshift({ wanted: NOTHING, endSeq: second.endSeq });
  }
}

export type { Interest, KernelFilterOptions };
export { KernelFilter };
