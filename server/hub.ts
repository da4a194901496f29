/**
 * Bounded fan-out: every delivered event to every subscriber whose filter selects it, and what the history holds to those who
 * ask for it. Does no I/O; what reaches the network is the transport's.
 * @module
 */

import type { EventSink, ObservedEvent, RawHttpBatch, RawHttpSink } from "../ffi/event.ts";
import { CatchUp } from "./catch-up.ts";
import { FanOut } from "./fan-out.ts";
import { EVERYTHING, type Filter } from "./filter.ts";
import type { DropReason, FlowLedger } from "./flow.ts";
import { type Format, jsonFormat } from "./format.ts";
import { type ControlFrame, control, type HelloMessage, PROTOCOL_VERSION } from "./frame.ts";
import { FrameBudget } from "./frame-budget.ts";
import { GroupRoster } from "./group-roster.ts";
import { HUB_DEFAULTS, type HubOptions } from "./hub-options.ts";
import type { Interest } from "./kernel-filter.ts";
import { RoomMaker } from "./room-maker.ts";
import { Subscriber, type SubscriberLimits, type SubscriberStats } from "./subscriber.ts";
import { Subscribers } from "./subscribers.ts";
import type { SubscriptionRequest } from "./subscription.ts";
import { CLOSE_GOING_AWAY, CLOSE_TRY_AGAIN_LATER, type Transport } from "./transport.ts";

/** A subscription's wishes, and the form of its frames. */
type Wishes = Partial<SubscriptionRequest> & { format?: Format };

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

const CONTROL_FRAMES_MAX = 1024;

class Hub implements EventSink, RawHttpSink {
  readonly heartbeatMillis: number;
  readonly #hello: Pick<HelloMessage, "service" | "run" | "source" | "protocols">;
  readonly #recordLayout: Readonly<Record<string, number>>;
  readonly #interest: Interest | undefined;
  readonly #first = Promise.withResolvers<void>();
  readonly #subscriberMax: number;
  readonly #stallMillis: number;
  readonly #limits: SubscriberLimits;
  readonly #budget: FrameBudget;
  readonly #nowMillis: () => number;
  readonly #live: FanOut;
  readonly #catchUp: CatchUp;
  readonly #groups: GroupRoster;
  readonly #subscribers = new Subscribers();
  readonly #roomMaker: RoomMaker;
  readonly #overflowed: Subscriber[] = [];
  readonly #offered: Record<string, number> = {};
  #nextSeq = 1;
  #accepted = 0;
  #refused = 0;
  #closed = false;

  constructor(options: HubOptions) {
    const { queueMax, subscriberMax, version, source = { kind: "kernel" }, protocols = ["http"], history } = options;
    const { run = newRun(), nowMillis = () => performance.now() } = options;
    const { queueMaxBytes, queueMaxMillis, memoryMaxBytes, stallMillis, heartbeatMillis } = {
      ...HUB_DEFAULTS,
      ...options,
    };
    this.heartbeatMillis = heartbeatMillis;
    this.#hello = { service: { name: "kernelcast", version }, run, source, protocols };
    this.#interest = options.interest;
    this.#recordLayout = options.recordLayout ?? {};
    this.#subscriberMax = subscriberMax;
    this.#stallMillis = stallMillis;
    this.#limits = { queueMax, queueMaxBytes, queueMaxMillis, controlMax: CONTROL_FRAMES_MAX };
    this.#budget = new FrameBudget(memoryMaxBytes);
    this.#roomMaker = new RoomMaker(this.#subscribers, nowMillis);
    this.#nowMillis = nowMillis;
    this.#live = new FanOut(queueMax, nowMillis);
    this.#groups = new GroupRoster(this.#live);
    this.#catchUp = new CatchUp({
      history,
      run,
      fanOut: new FanOut(queueMax, nowMillis),
      nextSeq: () => this.#nextSeq,
      tell: (subscriber, frame) => this.#tell(subscriber, frame),
      onDone: (subscriber) => this.#join(subscriber),
      nowMillis,
    });
  }

  /** Of this life of the service: numbers of events are of one run. */
  get run(): string {
    return this.#hello.run;
  }

  /** No further subscriber would be accepted. */
  get full(): boolean {
    return this.#closed || this.#subscribers.size >= this.#subscriberMax;
  }

  /** Resolves when somebody has subscribed. */
  get firstSubscriber(): Promise<void> {
    return this.#first.promise;
  }

  /** Undefined when no subscriber has anything to wait for; otherwise resolves when that is so. */
  ready(): Promise<void> | undefined {
    return this.#subscribers.allIdle ? undefined : this.idle();
  }

  /** Of events that are not HTTP's: does anybody listen? Otherwise they need not be decoded. */
  get wantsEvents(): boolean {
    return this.#live.groups.some(({ isForHttpAlone }) => !isForHttpAlone);
  }

  pass(protocol: string, count: number, lastSeq: number): void {
    this.#count(protocol, count, lastSeq);
    if (this.#live.groups.length > 0) this.#live.pass(count);
  }

  /** Takes every delivered batch of HTTP events. What is sent of it leaves with the turn's end, or before. */
  offerRaw(batch: RawHttpBatch): void {
    if (batch.length === 0) return;
    this.#count("http", batch.length, batch.at(batch.length - 1).seq);
    if (this.#live.groups.length === 0) return;
    this.#live.offerRaw(batch);
    this.#evictOverflowed();
  }

  endTurn(): void {
    this.#live.flush();
    this.#evictOverflowed();
  }

  /** Takes every other delivered batch, which leaves at once. */
  offer(batch: readonly ObservedEvent[]): void {
    const first = batch[0];
    const last = batch[batch.length - 1];
    if (first === undefined || last === undefined) return;
    this.#count(first.protocol, batch.length, last.seq);
    if (this.#live.groups.length === 0) return;
    this.#live.offer(batch);
    this.endTurn();
  }

  /**
   * Begins a subscription: the hello frame, then what it asked for of the past, then every event offered from now on.
   * Undefined when there are too many, or the hub is closed. The caller reports `drain` and `unsubscribe`.
   */
  subscribe(transport: Transport, remoteAddress: string, wishes: Wishes = {}): Subscriber | undefined {
    if (this.full) {
      this.#refused += 1;
      return undefined;
    }
    this.endTurn();
    this.#accepted += 1;
    const { filter = EVERYTHING, policy = "drop-newest", since, format = jsonFormat } = wishes;
    const subscriber = new Subscriber({
      id: this.#accepted,
      remoteAddress,
      transport,
      format,
      policy,
      filter,
      limits: this.#limits,
      budget: this.#budget,
      nowMillis: this.#nowMillis,
      makeRoom: (one) => this.#roomMaker.makeRoom(one),
      onOverflow: (one) => this.#overflowed.push(one),
    });
    this.#subscribers.add(subscriber);
    this.#interest?.begin(filter, this.#nextSeq);
    const { nextSeq, resumed } = this.#catchUp.begin(since);
    this.#tell(
      subscriber,
      control({
        type: "hello",
        version: PROTOCOL_VERSION,
        ...this.#hello,
        subscriber: subscriber.id,
        filter,
        nextSeq,
        resumed: resumed && this.#interest?.isWhole(filter, nextSeq) !== false,
        heartbeatMillis: this.heartbeatMillis,
        ...(format.form === "records" && { recordLayout: this.#recordLayout }),
      }),
    );
    this.#catchUp.start(subscriber, nextSeq);
    this.#first.resolve();
    return subscriber;
  }

  /** Lets another filter hold for the subscriber, from the event on that it is told. */
  change(subscriber: Subscriber, filter: Filter): void {
    if (subscriber.closed) return;
    this.endTurn();
    const { position } = subscriber;
    if (position === undefined) this.#leave(subscriber);
    this.#interest?.begin(filter, this.#nextSeq);
    this.#interest?.end(subscriber.filter);
    subscriber.filter = filter;
    if (position === undefined) this.#join(subscriber);
    else this.#catchUp.changeFilter(subscriber);
    this.#tell(subscriber, control({ type: "subscribed", filter, fromSeq: position ?? this.#nextSeq }));
  }

  /** The subscriber's peer has read. */
  drain(subscriber: Subscriber): void {
    subscriber.drain();
    this.#catchUp.goOn(subscriber);
    this.#subscribers.wakeIfIdle();
  }

  /** The subscriber's connection has ended. Harmless when the hub ended it. */
  unsubscribe(subscriber: Subscriber): void {
    this.#remove(subscriber, "disconnected");
  }

  /** Tells the subscriber what was wrong with its message. */
  reject(subscriber: Subscriber, message: string): void {
    this.#tell(subscriber, control({ type: "error", message }));
  }

  /**
   * Tells every subscriber that barrier `id` is complete, behind all events offered before. Call once per barrier.
   *
   * @param missingCpus CPUs that did not answer it
   */
  sync(id: number, missingCpus: readonly number[] = []): void {
    this.endTurn();
    const frame = control({ type: "sync", id, ...(missingCpus.length > 0 && { missingCpus }) });
    for (const subscriber of this.#subscribers)
      if (subscriber.position === undefined) this.#tell(subscriber, frame);
      else this.#catchUp.defer(subscriber, frame);
  }

  /** Tells those who keep up how far they have got, though nothing may be for them. Call every {@link heartbeatMillis}. */
  beat(): void {
    this.endTurn();
    const frame = control({ type: "heartbeat", nextSeq: this.#nextSeq });
    for (const subscriber of this.#subscribers) if (subscriber.ready && subscriber.idle) this.#tell(subscriber, frame);
  }

  /**
   * Closes subscribers that have read nothing for too long, drops what has waited for too long, and lets the kernel leave out
   * what nobody wants any more. Call about once a second.
   */
  tend(): void {
    this.#interest?.tend(this.#nextSeq);
    for (const subscriber of this.#subscribers) {
      subscriber.loseOld();
      const stalledMillis = subscriber.stalledMillis();
      if (stalledMillis >= this.#stallMillis)
        this.#evict(subscriber, "stalled", `read nothing for ${Math.round(stalledMillis / 1000)} s`);
    }
  }

  /** Resolves when no subscriber has anything to wait for. */
  idle(): Promise<void> {
    return this.#subscribers.idle();
  }

  /** Ends every subscription and accepts no more. What is still queued counts as dropped. */
  close(): void {
    this.endTurn();
    this.#closed = true;
    for (const subscriber of this.#subscribers) {
      this.#remove(subscriber, "shutdown");
      subscriber.close(CLOSE_GOING_AWAY, "Kernelcast is shutting down");
    }
  }

  stats(): HubStats {
    return {
      offered: { ...this.#offered },
      connected: this.#subscribers.size,
      subscriberMax: this.#subscriberMax,
      accepted: this.#accepted,
      refused: this.#refused,
      queuedBytes: this.#budget.usedBytes,
      total: this.#subscribers.total().ledger(),
      subscribers: Array.from(this.#subscribers, (subscriber) => subscriber.stats()),
    };
  }

  #count(protocol: string, count: number, lastSeq: number): void {
    this.#offered[protocol] = (this.#offered[protocol] ?? 0) + count;
    this.#nextSeq = lastSeq + 1;
  }

  /** From now on it is given what happens. */
  #join(subscriber: Subscriber): void {
    if (subscriber.closed) return;
    this.#groups.join(subscriber);
    this.#subscribers.wakeIfIdle();
  }

  #leave(subscriber: Subscriber): void {
    this.#catchUp.end(subscriber);
    this.#groups.leave(subscriber);
  }

  #tell(subscriber: Subscriber, frame: ControlFrame): void {
    if (!subscriber.tell(frame)) this.#evict(subscriber, "stalled", `left ${CONTROL_FRAMES_MAX} replies unread`);
  }

  #evictOverflowed(): void {
    for (let one = this.#overflowed.pop(); one !== undefined; one = this.#overflowed.pop())
      this.#evict(one, "disconnected", "read too slowly, and asked to be disconnected then");
  }

  #evict(subscriber: Subscriber, reason: DropReason, fault: string): void {
    const lost = subscriber.flow.queued;
    this.#remove(subscriber, reason);
    subscriber.close(CLOSE_TRY_AGAIN_LATER, `${fault}; ${lost} queued events dropped`);
  }

  #remove(subscriber: Subscriber, reason: DropReason): void {
    if (!this.#subscribers.delete(subscriber)) return;
    this.#live.flush();
    this.#leave(subscriber);
    this.#interest?.end(subscriber.filter);
    subscriber.detach(reason);
    this.#subscribers.settle(subscriber);
    this.#subscribers.wakeIfIdle();
  }
}

/** Another one at each start of the service. */
const newRun = (): string => Date.now().toString(36) + Math.floor(Math.random() * 36 ** 4).toString(36);

export type { HubOptions, HubStats, Wishes };
export { Hub };
