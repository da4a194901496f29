/**
 * What is past, to those who asked for it: read from the history as fast as each of them reads, until there is nothing left
 * that has not happened since. Then it is given what happens, without a hole or a double between.
 * @module
 */

import type { History, HistoryReader } from "../ffi/event.ts";
import type { FanOut } from "./fan-out.ts";
import type { ControlFrame, GapMessage } from "./frame.ts";
import { Group } from "./group.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Since } from "./subscription.ts";

interface CatchUpOptions {
  history: History | undefined;
  /** Of this life of the service. */
  run: string;
  /** For this alone. */
  fanOut: FanOut;
  /** Of the event that will happen next. */
  nextSeq: () => number;
  tell: (subscriber: Subscriber, frame: ControlFrame) => void;
  /** Nothing is past for the subscriber any more. */
  onDone: (subscriber: Subscriber) => void;
  nowMillis: () => number;
}

interface Reading {
  group: Group;
  /** What is to be told when all that is past has been given. */
  readonly deferred: ControlFrame[];
}

/** What happens now waits no longer for what is past. */
const SLICE_MILLIS = 4;

class CatchUp {
  readonly #options: CatchUpOptions;
  readonly #readings = new Map<Subscriber, Reading>();
  /** Whose turn has not come yet. */
  readonly #waiting = new Set<Subscriber>();
  #turn: ReturnType<typeof setImmediate> | undefined;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** Where a subscription begins, and whether that is where it asked for. */
  begin(since: Since | undefined): { nextSeq: number; resumed: boolean } {
    const { history, run, nextSeq } = this.#options;
    const next = nextSeq();
    if (since === undefined) return { nextSeq: next, resumed: false };
    if ("agoMillis" in since) {
      const { seq, isWhole } = history?.since(since.agoMillis) ?? { seq: next, isWhole: false };
      return { nextSeq: Math.min(seq, next), resumed: isWhole };
    }
    // Events of another run have other numbers: all that there is may be new to who saw those.
    if ((since.run ?? run) !== run || since.seq >= next) return { nextSeq: 1, resumed: false };
    const first = since.seq + 1;
    return { nextSeq: first, resumed: first >= (history?.firstSeq ?? next) };
  }

  /** Gives the subscriber everything from event `position` on. */
  start(subscriber: Subscriber, position: number): void {
    subscriber.position = position;
    this.#readings.set(subscriber, { group: groupOf(subscriber), deferred: [] });
    this.goOn(subscriber);
  }

  /** Another filter holds from the subscriber's position on. */
  changeFilter(subscriber: Subscriber): void {
    const reading = this.#readings.get(subscriber);
    if (reading !== undefined) reading.group = groupOf(subscriber);
  }

  /** Tells it when all that is past has been given. */
  defer(subscriber: Subscriber, frame: ControlFrame): void {
    this.#readings.get(subscriber)?.deferred.push(frame);
  }

  end(subscriber: Subscriber): void {
    this.#readings.delete(subscriber);
    this.#waiting.delete(subscriber);
  }

  /** Gives as much as the subscriber takes; call when it takes more. Harmless when it is given nothing here. */
  goOn(subscriber: Subscriber): void {
    const reading = this.#readings.get(subscriber);
    if (reading === undefined) return;
    const { fanOut, nextSeq, nowMillis, tell, onDone } = this.#options;
    const deadline = nowMillis() + SLICE_MILLIS;
    fanOut.groups = [reading.group];
    while (subscriber.ready && position(subscriber) < nextSeq()) {
      if (nowMillis() > deadline) {
        this.#takeTurnLater(subscriber);
        break;
      }
      this.#giveBatch(subscriber);
    }
    fanOut.flush();
    if (subscriber.closed || position(subscriber) < nextSeq()) return;
    this.end(subscriber);
    subscriber.position = undefined;
    for (const frame of reading.deferred) tell(subscriber, frame);
    onDone(subscriber);
  }

  /** Or tells it of those that are gone. */
  #giveBatch(subscriber: Subscriber): void {
    const { history, nextSeq, fanOut, tell } = this.#options;
    const from = position(subscriber);
    if (history?.read(from, this.#reader(subscriber)) === true) return;
    const first = history?.firstSeq ?? nextSeq();
    const end = first > from ? first : nextSeq();
    fanOut.flush();
    subscriber.miss(end - from);
    subscriber.position = end;
    const gap: GapMessage = { type: "gap", dropped: end - from, fromSeq: from, toSeq: end - 1, reason: "history" };
    tell(subscriber, { kind: "control", message: gap });
  }

  #reader(subscriber: Subscriber): HistoryReader {
    const { fanOut } = this.#options;
    const goesOn = () => subscriber.ready;
    const give = (firstSeq: number, offer: (first: number) => number) => {
      subscriber.position = firstSeq + offer(position(subscriber) - firstSeq);
    };
    return {
      offerRaw: (batch) => give(batch.at(0).seq, (first) => fanOut.offerRaw(batch, first, goesOn)),
      offer: (batch) => give(batch[0]?.seq ?? 0, (first) => fanOut.offer(batch, first, goesOn)),
    };
  }

  #takeTurnLater(subscriber: Subscriber): void {
    this.#waiting.add(subscriber);
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      const [next, other] = this.#waiting;
      if (next === undefined) return;
      this.#waiting.delete(next);
      if (other !== undefined) this.#takeTurnLater(other);
      this.goOn(next);
    });
  }
}

const groupOf = (subscriber: Subscriber): Group => {
  const group = new Group(subscriber.filter, subscriber.format);
  group.members.add(subscriber);
  subscriber.group = group;
  return group;
};

const position = (subscriber: Subscriber): number => subscriber.position ?? Number.POSITIVE_INFINITY;

export { CatchUp };
