/**
 * One subscriber: its bounded queue, its account and the order of its frames.
 * @module
 */

import type { Filter } from "./filter.ts";
import { type DropReason, Flow, type FlowLedger } from "./flow.ts";
import type { Format } from "./format.ts";
import { type BatchFrame, type ControlFrame, type Frame, gapMessage, type Payload } from "./frame.ts";
import type { FrameBudget } from "./frame-budget.ts";
import { FrameQueue } from "./frame-queue.ts";
import type { Group } from "./group.ts";
import { type Admission, admissionOf, type QueueLimits } from "./overflow.ts";
import type { Policy } from "./subscription.ts";
import type { Transport } from "./transport.ts";

interface SubscriberLimits extends QueueLimits {
  /** A batch that has waited for so long is lost. */
  queueMaxMillis: number;
  /** Other frames that may wait; a peer that provokes more without reading is not worth keeping. */
  controlMax: number;
}

interface SubscriberStats extends FlowLedger {
  /** Rises by one per subscription, from 1. */
  id: number;
  remoteAddress: string;
  format: string;
  filter: Filter;
  policy: Policy;
  queuedBytes: number;
  /** True while the transport waits for the peer to read. */
  paused: boolean;
  /** True while it is given what the history holds. */
  catchingUp: boolean;
}

interface SubscriberOptions {
  id: number;
  remoteAddress: string;
  transport: Transport;
  format: Format;
  policy: Policy;
  filter: Filter;
  limits: SubscriberLimits;
  budget: FrameBudget;
  /** Monotonic. */
  nowMillis: () => number;
  /** Memory is used up: lets somebody who holds more of it than this one give up some. False when nobody does. */
  makeRoom: (subscriber: Subscriber) => boolean;
  /** There was no room, and it wants to be disconnected then. Called while events are handed out. */
  onOverflow: (subscriber: Subscriber) => void;
}

/**
 * Frames leave in the order of the calls. What is lost is announced in its place by a gap: what a subscriber receives, gaps
 * included, is exactly what it was offered.
 */
class Subscriber {
  readonly id: number;
  readonly remoteAddress: string;
  readonly format: Format;
  readonly policy: Policy;
  filter: Filter;
  /** Of the next event that the history has for it; undefined: it is given what happens now. */
  position: number | undefined;
  readonly #flow = new Flow();
  /** What passes all its members by is counted there, once; up to `#passed` it is in the account here. */
  #group: Group | undefined;
  #passed = 0;
  readonly #transport: Transport;
  readonly #limits: SubscriberLimits;
  readonly #queue: FrameQueue;
  readonly #admit: Admission;
  readonly #nowMillis: () => number;
  #pausedSinceMillis: number | undefined;
  readonly #makeRoom: (subscriber: Subscriber) => boolean;
  readonly #onOverflow: (subscriber: Subscriber) => void;
  #closed = false;

  constructor(options: SubscriberOptions) {
    const { id, remoteAddress, transport, format, policy, filter, limits, budget, nowMillis, onOverflow } = options;
    this.id = id;
    this.remoteAddress = remoteAddress;
    this.format = format;
    this.policy = policy;
    this.filter = filter;
    this.#transport = transport;
    this.#limits = limits;
    this.#queue = new FrameQueue(budget);
    this.#admit = admissionOf(policy);
    this.#nowMillis = nowMillis;
    this.#makeRoom = options.makeRoom;
    this.#onOverflow = onOverflow;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Nothing waits for it, here or in the history. */
  get idle(): boolean {
    return this.#queue.isEmpty && this.position === undefined;
  }

  /** A frame would go straight to the transport. */
  get ready(): boolean {
    return !this.#closed && this.#pausedSinceMillis === undefined && this.#queue.isEmpty;
  }

  /** Its events come from this group from now on, or from none. Leave one before the next. */
  set group(group: Group | undefined) {
    this.#settle();
    this.#group = group;
    this.#passed = group?.passed ?? 0;
  }

  get flow(): Flow {
    this.#settle();
    return this.#flow;
  }

  /** So many events, which nobody has any more, might have been for it. */
  miss(events: number): void {
    this.#flow.delivered += events;
    this.#flow.dropped.history_gone += events;
  }

  /** Hands over a batch, or keeps it for later, or counts it as dropped. */
  offer(frame: BatchFrame): void {
    if (this.#closed) return;
    this.#flow.delivered += frame.events;
    // Who keeps up needs no room in any queue, so a stalled subscriber cannot cost it anything.
    if (this.ready && this.#transmit(frame.payload)) {
      this.#flow.sent += frame.events;
      return;
    }
    this.loseOld();
    const reason = this.#admit(frame, this.#queue, this.#limits, this.#lose) ?? this.#store(frame);
    if (reason === undefined) return;
    this.#queue.pushGap(frame);
    this.#flow.dropped[reason] += frame.events;
    if (this.policy === "disconnect") this.#onOverflow(this);
  }

  /** Sends a frame behind everything offered before; false when too many wait unread, and the frame was not taken. */
  tell(frame: ControlFrame): boolean {
    if (this.#closed) return true;
    if (this.#queue.controls >= this.#limits.controlMax) return false;
    this.#queue.pushControl(frame);
    this.#pump();
    return true;
  }

  /** The peer has read: goes on sending. */
  drain(): void {
    this.#pausedSinceMillis = undefined;
    this.loseOld();
    this.#pump();
  }

  /** Drops batches that have waited for too long. */
  loseOld(): void {
    const oldest = this.#nowMillis() - this.#limits.queueMaxMillis;
    for (let made = this.#queue.oldestMillis; made !== undefined && made < oldest; made = this.#queue.oldestMillis)
      this.#lose(this.#queue.loseOldest() as BatchFrame, "too_old");
  }

  /** Of all batches that wait. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** Drops what has waited longest; false when nothing waits. */
  giveUpMemory(): boolean {
    const oldest = this.#queue.loseOldest();
    if (oldest !== undefined) this.#lose(oldest, "memory_full");
    return oldest !== undefined;
  }

  /** The peer has let frames wait for so long, having read nothing. */
  stalledMillis(): number {
    return this.#pausedSinceMillis === undefined || this.idle ? 0 : this.#nowMillis() - this.#pausedSinceMillis;
  }

  /** Ends the subscription; what is queued counts as dropped. A second call does nothing. */
  detach(reason: DropReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#flow.dropped[reason] += this.#queue.events;
    this.#queue.clear();
    this.#flow.queued = 0;
  }

  /** Closes the connection. Call `detach` first. */
  close(code: number, reason: string): void {
    this.#transport.close(code, reason);
  }

  stats(): SubscriberStats {
    const { id, remoteAddress, format, filter, policy } = this;
    return {
      id,
      remoteAddress,
      format: format.name,
      filter,
      policy,
      ...this.flow.ledger(),
      queuedBytes: this.#queue.bytes,
      paused: this.#pausedSinceMillis !== undefined,
      catchingUp: this.position !== undefined,
    };
  }

  #settle(): void {
    const passed = this.#group?.passed ?? 0;
    this.#flow.delivered += passed - this.#passed;
    this.#flow.filtered += passed - this.#passed;
    this.#passed = passed;
  }

  #store(frame: BatchFrame): DropReason | undefined {
    while (!this.#queue.pushBatch(frame))
      if (!this.#makeRoom(this) && !(this.policy === "drop-oldest" && this.giveUpMemory())) return "memory_full";
    this.#flow.queued += frame.events;
    return undefined;
  }

  /** Of those that were queued. */
  readonly #lose = (frame: BatchFrame, reason: DropReason): void => {
    this.#flow.queued -= frame.events;
    this.#flow.dropped[reason] += frame.events;
  };

  /** False when the transport did not take it. */
  #transmit(payload: Payload): boolean {
    const status = this.#transport.send(payload);
    if (status <= 0) this.#pausedSinceMillis = this.#nowMillis();
    return status !== 0;
  }

  #pump(): void {
    while (this.#pausedSinceMillis === undefined) {
      const frame = this.#queue.first();
      // A frame that is not taken stays first; a drain or the end of the connection decides.
      if (frame === undefined || !this.#transmit(this.#payload(frame))) return;
      this.#queue.shift();
      if (frame.kind !== "batch") continue;
      this.#flow.queued -= frame.events;
      this.#flow.sent += frame.events;
    }
  }

  #payload(frame: Frame): Payload {
    if (frame.kind === "batch") return frame.payload;
    return this.format.control(frame.kind === "gap" ? gapMessage(frame) : frame.message);
  }
}

export type { SubscriberLimits, SubscriberOptions, SubscriberStats };
export { Subscriber };
