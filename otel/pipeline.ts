/**
 * From captured events to acknowledged spans: a bounded queue, batches, and a ledger that is exact at every moment.
 * @module
 */
import type { RawHttpBatch, RawHttpSink, SpanLedger } from "../ffi/event.ts";
import type { ExportOutcome } from "./export-outcome.ts";
import type { SpanBatchExporter } from "./exporter.ts";
import type { CollectorHealth } from "./health.ts";
import { SpanCounters } from "./ledger.ts";
import { type Batcher, BatchQueue, type SpanBatch } from "./queue.ts";
import type { QueueSettings } from "./settings.ts";

interface SpanPipeline extends RawHttpSink {
  /** The identities of `SpanLedger` hold at every call. */
  stats(): SpanLedger;
  /**
   * Resolves once every event accepted before the call is exported, rejected or dropped. Asking is demanding: if the
   * collector turns out not to be reachable, what the call covers is given up and counted as `export_failed`, as any
   * span processor does. Ends therefore within `exportTimeoutMillis` of an unreachable collector. Never rejects.
   */
  flush(): Promise<void>;
  /**
   * Flushes within the deadline and counts the rest as dropped by `shutdown`; with a collector already known to be
   * unreachable there is nothing to wait for. Offers after that are counted as accepted and dropped. Never rejects;
   * every call gets the same promise. A request that the SDK is still retrying may keep the process alive for its time-out.
   */
  shutdown(timeoutMillis?: number): Promise<void>;
}

interface PipelineOptions<P> {
  batcher: Batcher<P>;
  exporter: SpanBatchExporter<P>;
  /** Requests that may be under way at once; one while the collector is down. */
  exportsMax: number;
  health: CollectorHealth;
  settings: QueueSettings;
}

const SHUTDOWN_TIMEOUT_MILLIS = 3000;

/** A batch that was taken from the queue and has no outcome yet. */
interface Flight {
  first: number;
  spanCount: number;
  deadline: ReturnType<typeof setTimeout>;
}

class BatchingPipeline<P> implements SpanPipeline {
  readonly #batcher: Batcher<P>;
  readonly #exporter: SpanBatchExporter<P>;
  readonly #exportsMax: number;
  readonly #health: CollectorHealth;
  readonly #settings: QueueSettings;
  readonly #queue: BatchQueue<P>;
  readonly #counters = new SpanCounters();
  /** In the order in which they were taken, so the first is the oldest. */
  readonly #flights = new Set<Flight>();
  #flightSpanCount = 0;
  /** Requests that the SDK has not ended; may outlive their flights. */
  #requests = 0;
  /** Spans before this position do not wait for their batch to fill. */
  #dueBefore = 0;
  readonly #flushes: { before: number; resolve: () => void }[] = [];
  /** Who asked whether there is room, when there was none. */
  readonly #waiting: (() => void)[] = [];
  #turn: ReturnType<typeof setImmediate> | undefined;
  #delay: ReturnType<typeof setTimeout> | undefined;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #shutdown: Promise<void> | undefined;
  #isEnded = false;

  constructor({ batcher, exporter, exportsMax, health, settings }: PipelineOptions<P>) {
    this.#exportsMax = exportsMax;
    this.#batcher = batcher;
    this.#exporter = exporter;
    this.#health = health;
    this.#settings = settings;
    this.#queue = new BatchQueue(batcher, settings.queueSizeMax, settings.batchSizeMax);
  }

  offerRaw(batch: RawHttpBatch): void {
    const counters = this.#counters;
    const queue = this.#queue;
    let notSampled = 0;
    let tooMany = 0;
    for (let i = 0; i < batch.length; i++) {
      const event = batch.at(i);
      if (!this.#batcher.wants(event)) notSampled++;
      else if (queue.isFull) tooMany++;
      else queue.push(event);
    }
    counters.delivered += batch.length;
    counters.notSampled += notSampled;
    counters.drop("queue_full", tooMany);
    counters.accepted = queue.tail;
    if (this.#isEnded) this.#discardAll();
    else this.#proceed();
  }

  ready(): Promise<void> | undefined {
    return this.#isReady ? undefined : new Promise((resolve) => this.#waiting.push(resolve));
  }

  stats(): SpanLedger {
    return this.#counters.read(this.#queue.length + this.#flightSpanCount);
  }

  flush(): Promise<void> {
    // What comes later goes into another request, so that it does not share the fate of what is waited for.
    this.#queue.close();
    const before = this.#queue.tail;
    this.#dueBefore = before;
    return new Promise((resolve) => {
      this.#flushes.push({ before, resolve });
      this.#resolveFlushes();
      this.#proceed();
    });
  }

  shutdown(timeoutMillis = SHUTDOWN_TIMEOUT_MILLIS): Promise<void> {
    this.#shutdown ??= this.#end(timeoutMillis);
    return this.#shutdown;
  }

  /** Exports in a turn of the event loop of its own, so that whoever offers is not held up by requests. */
  #proceed(): void {
    // Read once: a pause that ended between two looks would be neither over nor waited for.
    const { pauseMillis } = this.#health;
    if (this.#turn === undefined && this.#mayExport(pauseMillis)) {
      this.#turn = setImmediate(() => {
        this.#turn = undefined;
        this.#exportAll();
        this.#resolveWaiting();
        this.#proceed();
      });
    }
    if (this.#queue.length === 0) return;
    this.#delay ??= this.#after(this.#settings.scheduleDelayMillis, () => this.#fallDue());
    if (pauseMillis > 0) this.#pause ??= this.#after(pauseMillis, () => this.#endPause());
  }

  /** All that may be under way at once: under load turns are long, and one request a turn would be too few. */
  #exportAll(): void {
    while (this.#mayExport(this.#health.pauseMillis)) {
      const batch = this.#queue.take();
      if (batch === undefined) return;
      this.#export(batch);
    }
  }

  /** A timer may come early by the fraction that it was rounded; it is then set again. */
  #endPause(): void {
    this.#pause = undefined;
    this.#proceed();
  }

  #mayExport(pauseMillis: number): boolean {
    const { head, length, hasClosed } = this.#queue;
    if (length === 0 || this.#requests >= (this.#health.isDown ? 1 : this.#exportsMax)) return false;
    if (pauseMillis > 0 && !this.#isFlushing) return false;
    return hasClosed || head < this.#dueBefore;
  }

  /** Waiting is of no use while the collector is away: nothing leaves the queue for it. */
  get #isReady(): boolean {
    return this.#isEnded || this.#health.isDown || this.#queue.length <= this.#settings.queueSizeMax / 2;
  }

  #resolveWaiting(): void {
    if (this.#waiting.length === 0 || !this.#isReady) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  get #isFlushing(): boolean {
    return this.#queue.head < (this.#flushes.at(-1)?.before ?? 0);
  }

  #fallDue(): void {
    this.#delay = undefined;
    this.#dueBefore = this.#queue.tail;
    this.#proceed();
  }

  #export(batch: SpanBatch<P>): void {
    const { spanCount } = batch;
    const { exportTimeoutMillis } = this.#settings;
    const timedOut: ExportOutcome = { status: "unreachable", reason: `no outcome after ${exportTimeoutMillis} ms` };
    const flight: Flight = {
      first: batch.first,
      spanCount,
      deadline: this.#after(exportTimeoutMillis, () => {
        this.#settle(flight, timedOut);
        // The SDK's time-out is one of silence: an answer that comes a byte at a time would hold its request for ever.
        this.#exporter.cut();
      }),
    };
    this.#flights.add(flight);
    this.#flightSpanCount += spanCount;
    this.#requests++;
    void this.#exporter.export(batch).then((outcome) => {
      this.#requests--;
      this.#batcher.recycle?.(batch.payload);
      this.#settle(flight, outcome);
      this.#proceed();
    });
  }

  /** Counts a flight, once: an outcome that comes after its deadline, or after shutdown, changes nothing. */
  #settle(flight: Flight, outcome: ExportOutcome): void {
    if (!this.#flights.has(flight)) return;
    this.#land(flight);
    this.#health.record(outcome, flight.spanCount);
    if (outcome.status === "exported") {
      this.#counters.exported += flight.spanCount - outcome.rejected;
      this.#counters.rejected += outcome.rejected;
    } else {
      this.#counters.drop("export_failed", flight.spanCount);
    }
    if (outcome.status === "unreachable" && this.#isFlushing) {
      const before = this.#flushes.at(-1)?.before ?? 0;
      this.#counters.drop("export_failed", this.#queue.discardBefore(before));
    }
    this.#resolveFlushes();
    this.#resolveWaiting();
  }

  #land(flight: Flight): void {
    this.#flights.delete(flight);
    this.#flightSpanCount -= flight.spanCount;
    clearTimeout(flight.deadline);
  }

  #resolveFlushes(): void {
    const [oldest] = this.#flights;
    const settledBefore = oldest?.first ?? this.#queue.head;
    while (this.#flushes[0] !== undefined && this.#flushes[0].before <= settledBefore) this.#flushes.shift()?.resolve();
  }

  async #end(timeoutMillis: number): Promise<void> {
    if (!this.#health.isDown) {
      const deadline = Promise.withResolvers<void>();
      const timer = setTimeout(deadline.resolve, timeoutMillis);
      await Promise.race([this.flush(), deadline.promise]);
      clearTimeout(timer);
    }
    this.#isEnded = true;
    for (const flight of this.#flights) {
      this.#land(flight);
      this.#counters.drop("shutdown", flight.spanCount);
    }
    this.#discardAll();
    clearTimeout(this.#delay);
    clearTimeout(this.#pause);
    this.#resolveFlushes();
    this.#resolveWaiting();
    this.#exporter.cut();
  }

  #discardAll(): void {
    this.#counters.drop("shutdown", this.#queue.discardBefore(this.#queue.tail));
  }

  /** Nothing here is a reason for the process to stay alive. */
  #after(millis: number, run: () => void): ReturnType<typeof setTimeout> {
    const timer = setTimeout(run, millis);
    timer.unref();
    return timer;
  }
}

function createSpanPipeline<P>(options: PipelineOptions<P>): SpanPipeline {
  return new BatchingPipeline(options);
}

export { createSpanPipeline, type PipelineOptions, type SpanPipeline };
