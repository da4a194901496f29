/**
 * One subscriber: its bounded queue, its account and the order of its frames.
 * @module
 */

import { Deque } from "./deque.ts";
import { type DropReason, Flow, type FlowLedger } from "./flow.ts";
import { type BatchFrame, type ControlFrame, encodeGap, type Frame } from "./frame.ts";
import type { FrameBudget } from "./frame-budget.ts";
import type { Transport } from "./transport.ts";

interface SubscriberLimits {
  queueMax: number;
  queueMaxBytes: number;
  /** Hello, sync and error frames that may wait; a peer that provokes more without reading is not worth keeping. */
  controlMax: number;
}

interface SubscriberStats extends FlowLedger {
  /** Rises by one per subscription, from 1. */
  id: number;
  remoteAddress: string;
  queuedBytes: number;
  /** True while the transport waits for the peer to read. */
  paused: boolean;
}

/**
 * Frames leave in the order of the calls. What does not fit is dropped, newest first, and announced in its place by a gap:
 * what a subscriber receives, gaps included, is exactly what it was offered.
 */
class Subscriber {
  readonly id: number;
  readonly remoteAddress: string;
  readonly flow = new Flow();
  readonly #transport: Transport;
  readonly #limits: SubscriberLimits;
  readonly #budget: FrameBudget;
  readonly #nowMillis: () => number;
  readonly #queue = new Deque<Frame>();
  #queuedBytes = 0;
  #queuedControls = 0;
  #pausedSinceMillis: number | undefined;
  #closed = false;

  constructor(
    id: number,
    remoteAddress: string,
    transport: Transport,
    limits: SubscriberLimits,
    budget: FrameBudget,
    nowMillis: () => number,
  ) {
    this.id = id;
    this.remoteAddress = remoteAddress;
    this.#transport = transport;
    this.#limits = limits;
    this.#budget = budget;
    this.#nowMillis = nowMillis;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Nothing waits here. */
  get idle(): boolean {
    return this.#queue.length === 0;
  }

  /** Hands over a batch, or keeps it for later, or counts it as dropped. */
  offer(frame: BatchFrame): void {
    if (this.#closed) return;
    this.flow.delivered += frame.events;
    // Who keeps up needs no room in any queue, so a stalled subscriber cannot cost it anything.
    if (this.idle && this.#pausedSinceMillis === undefined && this.#transmit(frame.text)) {
      this.flow.sent += frame.events;
      return;
    }
    const reason = this.#reasonToDrop(frame);
    if (reason !== undefined) {
      this.#drop(frame, reason);
      return;
    }
    this.flow.queued += frame.events;
    this.#queuedBytes += frame.bytes;
    this.#queue.push(frame);
  }

  /** Sends a frame behind everything offered before; false when too many wait unread, and the frame was not taken. */
  tell(frame: ControlFrame): boolean {
    if (this.#closed) return true;
    if (this.#queuedControls >= this.#limits.controlMax) return false;
    this.#queuedControls += 1;
    this.#queue.push(frame);
    this.#pump();
    return true;
  }

  /** The peer has read: goes on sending. */
  drain(): void {
    this.#pausedSinceMillis = undefined;
    this.#pump();
  }

  /** The peer has let frames wait for so long, having read nothing. */
  stalledMillis(): number {
    return this.#pausedSinceMillis === undefined || this.idle ? 0 : this.#nowMillis() - this.#pausedSinceMillis;
  }

  /** Ends the subscription; what is queued counts as dropped. A second call does nothing. */
  detach(reason: DropReason): void {
    if (this.#closed) return;
    this.#closed = true;
    for (let frame = this.#queue.shift(); frame !== undefined; frame = this.#queue.shift())
      if (frame.kind === "batch") this.#budget.release(frame);
    this.flow.dropped[reason] += this.flow.queued;
    this.flow.queued = 0;
    this.#queuedBytes = 0;
  }

  /** Closes the connection. Call `detach` first. */
  close(code: number, reason: string): void {
    this.#transport.close(code, reason);
  }

  stats(): SubscriberStats {
    return {
      id: this.id,
      remoteAddress: this.remoteAddress,
      ...this.flow.ledger(),
      queuedBytes: this.#queuedBytes,
      paused: this.#pausedSinceMillis !== undefined,
    };
  }

  #reasonToDrop(frame: BatchFrame): DropReason | undefined {
    if (this.#closed) return "disconnected";
    const { queueMax, queueMaxBytes } = this.#limits;
    if (this.flow.queued + frame.events > queueMax || this.#queuedBytes + frame.bytes > queueMaxBytes)
      return "queue_full";
    return this.#budget.hold(frame) ? undefined : "memory_full";
  }

  #drop(frame: BatchFrame, reason: DropReason): void {
    this.flow.dropped[reason] += frame.events;
    const last = this.#queue.last();
    if (last?.kind === "gap") {
      last.dropped += frame.events;
      last.toSeq = frame.toSeq;
    } else this.#queue.push({ kind: "gap", dropped: frame.events, fromSeq: frame.fromSeq, toSeq: frame.toSeq });
  }

  /** False when the transport did not take it. */
  #transmit(text: string): boolean {
    const status = this.#transport.send(text);
    if (status <= 0) this.#pausedSinceMillis = this.#nowMillis();
    return status !== 0;
  }

  #pump(): void {
    while (this.#pausedSinceMillis === undefined) {
      const frame = this.#queue.first();
      // A frame that is not taken stays first; a drain or the end of the connection decides.
      if (frame === undefined || !this.#transmit(frame.kind === "gap" ? encodeGap(frame) : frame.text)) return;
      this.#shift();
    }
  }

  #shift(): void {
    const frame = this.#queue.shift();
    if (frame?.kind === "control") this.#queuedControls -= 1;
    if (frame?.kind !== "batch") return;
    this.#budget.release(frame);
    this.#queuedBytes -= frame.bytes;
    this.flow.queued -= frame.events;
    this.flow.sent += frame.events;
  }
}

export type { SubscriberLimits, SubscriberStats };
export { Subscriber };
