/**
 * Bounded fan-out: every delivered batch to every subscriber. Does no I/O; what reaches the network is the transport's.
 * @module
 */

import type { EventSink, ObservedEvent } from "../ffi/event.ts";
import { type DropReason, Flow, type FlowLedger } from "./flow.ts";
import { type BatchFrame, type ControlFrame, encodeBatch, errorFrame, helloFrame, syncFrame } from "./frame.ts";
import { FrameBudget } from "./frame-budget.ts";
import { Subscriber, type SubscriberLimits, type SubscriberStats } from "./subscriber.ts";
import type { TrafficSource } from "./traffic-source.ts";
import type { Transport } from "./transport.ts";

interface HubOptions {
  /** Events held for one subscriber that lags. */
  queueMax: number;
  subscriberMax: number;
  /** Of the service, for the hello frame. */
  version: string;
  /** Where the events come from, for the hello frame; the kernel by default. */
  source?: TrafficSource;
  /** Protocols that batches may carry, for the hello frame. */
  protocols?: readonly string[];
  /** Bytes held for one subscriber that lags. */
  queueMaxBytes?: number;
  /** Bytes held for all of them; a frame that several wait for counts once. */
  memoryMaxBytes?: number;
  /** A subscriber that has read nothing for so long while frames wait is closed. */
  stallMillis?: number;
  /** Monotonic. */
  nowMillis?: () => number;
}

interface HubStats {
  /** Events handed to the hub, by protocol. */
  offered: Record<string, number>;
  connected: number;
  subscriberMax: number;
  /** Subscriptions ever begun, and those refused because there were too many. */
  accepted: number;
  refused: number;
  /** Bytes of all frames that wait, each counted once. */
  queuedBytes: number;
  /** Over all subscribers, present and past. */
  total: FlowLedger;
  /** Those present. */
  subscribers: SubscriberStats[];
}

// Small enough that one frame is a fraction of a socket buffer, large enough that per-frame cost vanishes.
const FRAME_EVENTS_MAX = 256;
const CONTROL_FRAMES_MAX = 1024;
const QUEUE_MAX_BYTES = 32 * 1024 * 1024;
const MEMORY_MAX_BYTES = 128 * 1024 * 1024;
const STALL_MILLIS = 30_000;

// https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1, and 1013 of the IANA registry: "Try Again Later".
const CLOSE_GOING_AWAY = 1001;
const CLOSE_TRY_AGAIN_LATER = 1013;

class Hub implements EventSink {
  readonly #version: string;
  readonly #source: TrafficSource;
  readonly #first = Promise.withResolvers<void>();
  readonly #protocols: readonly string[];
  readonly #subscriberMax: number;
  readonly #stallMillis: number;
  readonly #frameEventsMax: number;
  readonly #limits: SubscriberLimits;
  readonly #budget: FrameBudget;
  readonly #nowMillis: () => number;
  readonly #subscribers = new Map<number, Subscriber>();
  readonly #past = new Flow();
  readonly #offered: Record<string, number> = {};
  #idleWaiters: (() => void)[] = [];
  #lastSeq = 0;
  #accepted = 0;
  #refused = 0;
  #closed = false;

  constructor(options: HubOptions) {
    this.#version = options.version;
    this.#source = options.source ?? { kind: "kernel" };
    this.#protocols = options.protocols ?? ["http"];
    this.#subscriberMax = options.subscriberMax;
    this.#stallMillis = options.stallMillis ?? STALL_MILLIS;
    this.#frameEventsMax = Math.min(FRAME_EVENTS_MAX, options.queueMax);
    this.#limits = {
      queueMax: options.queueMax,
      queueMaxBytes: options.queueMaxBytes ?? QUEUE_MAX_BYTES,
      controlMax: CONTROL_FRAMES_MAX,
    };
    this.#budget = new FrameBudget(options.memoryMaxBytes ?? MEMORY_MAX_BYTES);
    this.#nowMillis = options.nowMillis ?? (() => performance.now());
  }

  /** No further subscriber would be accepted. */
  get full(): boolean {
    return this.#closed || this.#subscribers.size >= this.#subscriberMax;
  }

  /** Resolves when somebody has subscribed. */
  get firstSubscriber(): Promise<void> {
    return this.#first.promise;
  }

  /** Undefined when no subscriber has anything queued; otherwise resolves when that is so. */
  ready(): Promise<void> | undefined {
    for (const subscriber of this.#subscribers.values()) if (!subscriber.idle) return this.idle();
    return undefined;
  }

  /** Nobody listens: then nothing need be decoded. */
  get wantsEvents(): boolean {
    return this.#subscribers.size > 0;
  }

  pass(protocol: string, count: number, lastSeq: number): void {
    this.#offered[protocol] = (this.#offered[protocol] ?? 0) + count;
    this.#lastSeq = lastSeq;
  }

  /** Takes every delivered batch. Encodes it once, and only if somebody listens. */
  offer(batch: readonly ObservedEvent[]): void {
    const first = batch[0];
    const last = batch[batch.length - 1];
    if (first === undefined || last === undefined) return;
    this.pass(first.protocol, batch.length, last.seq);
    if (this.#subscribers.size === 0) return;
    if (batch.length <= this.#frameEventsMax) this.#broadcast(encodeBatch(batch));
    else
      for (let start = 0; start < batch.length; start += this.#frameEventsMax)
        this.#broadcast(encodeBatch(batch.slice(start, start + this.#frameEventsMax)));
  }

  /**
   * Begins a subscription: the hello frame, then every event offered from now on. Undefined when there are too many, or the
   * hub is closed. The caller reports `drain` and `unsubscribe`.
   */
  subscribe(transport: Transport, remoteAddress: string): Subscriber | undefined {
    if (this.full) {
      this.#refused += 1;
      return undefined;
    }
    this.#accepted += 1;
    const subscriber = new Subscriber(
      this.#accepted,
      remoteAddress,
      transport,
      this.#limits,
      this.#budget,
      this.#nowMillis,
    );
    this.#subscribers.set(subscriber.id, subscriber);
    this.#tell(
      subscriber,
      helloFrame({
        service: { name: "kernelcast", version: this.#version },
        source: this.#source,
        subscriber: subscriber.id,
        protocols: this.#protocols,
        nextSeq: this.#lastSeq + 1,
      }),
    );
    this.#first.resolve();
    return subscriber;
  }

  /** The subscriber's peer has read. */
  drain(subscriber: Subscriber): void {
    subscriber.drain();
    if (this.#idleWaiters.length > 0) this.#wakeIfIdle();
  }

  /** The subscriber's connection has ended. Harmless when the hub ended it. */
  unsubscribe(subscriber: Subscriber): void {
    this.#remove(subscriber, "disconnected");
  }

  /** Tells the subscriber what was wrong with its message. */
  reject(subscriber: Subscriber, message: string): void {
    this.#tell(subscriber, errorFrame(message));
  }

  /**
   * Tells every subscriber that barrier `id` is complete, behind all events offered before. Call once per barrier.
   *
   * @param missingCpus CPUs that did not answer it
   */
  sync(id: number, missingCpus: readonly number[] = []): void {
    const frame = syncFrame(id, missingCpus);
    for (const subscriber of this.#subscribers.values()) this.#tell(subscriber, frame);
  }

  /** Closes subscribers that have read nothing for too long. Call about once a second. */
  closeStalled(): void {
    for (const subscriber of this.#subscribers.values()) {
      const stalledMillis = subscriber.stalledMillis();
      if (stalledMillis >= this.#stallMillis)
        this.#evict(subscriber, `read nothing for ${Math.round(stalledMillis / 1000)} s`);
    }
  }

  /** Resolves when no subscriber has anything queued. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.#wakeIfIdle();
    });
  }

  /** Ends every subscription and accepts no more. What is still queued counts as dropped. */
  close(): void {
    this.#closed = true;
    for (const subscriber of this.#subscribers.values()) {
      this.#remove(subscriber, "shutdown");
      subscriber.close(CLOSE_GOING_AWAY, "Kernelcast is shutting down");
    }
  }

  stats(): HubStats {
    const total = new Flow();
    total.add(this.#past);
    for (const subscriber of this.#subscribers.values()) total.add(subscriber.flow);
    return {
      offered: { ...this.#offered },
      connected: this.#subscribers.size,
      subscriberMax: this.#subscriberMax,
      accepted: this.#accepted,
      refused: this.#refused,
      queuedBytes: this.#budget.usedBytes,
      total: total.ledger(),
      subscribers: [...this.#subscribers.values()].map((subscriber) => subscriber.stats()),
    };
  }

  #broadcast(frame: BatchFrame): void {
    for (const subscriber of this.#subscribers.values()) subscriber.offer(frame);
  }

  #tell(subscriber: Subscriber, frame: ControlFrame): void {
    if (!subscriber.tell(frame)) this.#evict(subscriber, `left ${CONTROL_FRAMES_MAX} replies unread`);
  }

  #evict(subscriber: Subscriber, fault: string): void {
    const lost = subscriber.flow.queued;
    this.#remove(subscriber, "stalled");
    subscriber.close(CLOSE_TRY_AGAIN_LATER, `${fault}; ${lost} queued events dropped`);
  }

  #remove(subscriber: Subscriber, reason: DropReason): void {
    if (!this.#subscribers.delete(subscriber.id)) return;
    subscriber.detach(reason);
    this.#past.add(subscriber.flow);
    this.#wakeIfIdle();
  }

  #wakeIfIdle(): void {
    for (const subscriber of this.#subscribers.values()) if (!subscriber.idle) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const wake of waiters) wake();
  }
}

export type { HubOptions, HubStats };
export { Hub };
