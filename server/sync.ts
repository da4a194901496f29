/**
 * `POST /sync`: the barrier and its receipt.
 * @module
 */

import type { BarrierResult, Capture, SpanLedger } from "../ffi/event.ts";
import type { Hub } from "./hub.ts";
import {
  handoverImbalances,
  protocolImbalances,
  readerImbalances,
  spanImbalances,
  subscriberImbalances,
} from "./ledger.ts";
import type { PartialReceipt, Receipt } from "./schema.ts";
import type { Spans } from "./spans.ts";

interface SyncOptions {
  /** Also wait for the collector's acknowledgement. */
  waitForExport: boolean;
}

type SyncOutcome =
  | { kind: "complete"; receipt: Receipt }
  /** Some CPU or the collector did not answer in time. */
  | { kind: "partial"; receipt: PartialReceipt }
  /** Nothing was synchronised. */
  | { kind: "refused"; code: "capture_stopped" | "export_off"; message: string };

interface SyncSources {
  capture: Capture;
  hub: Hub;
  spans: Spans | undefined;
  /** Longest wait for the collector. */
  exportMaxMillis?: number;
  /** Monotonic. */
  nowMillis?: () => number;
}

const EXPORT_MAX_MILLIS = 30_000;

const CAPTURE_STOPPED = {
  kind: "refused",
  code: "capture_stopped",
  message: "the capture is not running, so there is nothing to synchronise; GET /readyz says why",
} as const;

const EXPORT_OFF = {
  kind: "refused",
  code: "export_off",
  message: "span export is off, so it cannot be waited for; leave out wait=export, or set OTEL_TRACES_EXPORTER=otlp",
} as const;

const receiptSpans = ({ accepted, exported, queued }: SpanLedger) => ({ accepted, exported, queued });
const NO_SPANS = { accepted: 0, exported: 0, queued: 0 };

class SyncService {
  readonly #sources: SyncSources;
  readonly #nowMillis: () => number;
  #announcedId = 0;

  constructor(sources: SyncSources) {
    this.#sources = sources;
    this.#nowMillis = sources.nowMillis ?? (() => performance.now());
  }

  /** Rejects only for what nobody foresaw. */
  async sync({ waitForExport }: SyncOptions): Promise<SyncOutcome> {
    const { capture, spans } = this.#sources;
    const beganMillis = this.#nowMillis();
    if (!capture.running) return CAPTURE_STOPPED;
    if (waitForExport && spans === undefined) return EXPORT_OFF;

    let barrier: BarrierResult;
    try {
      barrier = await capture.sync();
    } catch (error) {
      if (!capture.running) return CAPTURE_STOPPED;
      throw error;
    }
    this.#announce(barrier);
    const exportError = waitForExport && spans !== undefined ? await this.#flush(spans) : undefined;

    const receipt = this.#receipt(barrier, beganMillis);
    if (barrier.missingCpus.length === 0 && exportError === undefined) return { kind: "complete", receipt };
    return {
      kind: "partial",
      receipt: {
        ...receipt,
        ...(barrier.missingCpus.length > 0 ? { missingCpus: barrier.missingCpus } : {}),
        ...(exportError === undefined ? {} : { exportError }),
      },
    };
  }

  /** Coalesced callers bring the same barrier; subscribers hear of it once. */
  #announce(barrier: BarrierResult): void {
    if (barrier.id <= this.#announcedId) return;
    this.#announcedId = barrier.id;
    this.#sources.hub.sync(barrier.id, barrier.missingCpus);
  }

  /** Why the export is not known to be complete; undefined when it is. */
  async #flush(spans: Spans): Promise<string | undefined> {
    const maxMillis = this.#sources.exportMaxMillis ?? EXPORT_MAX_MILLIS;
    const before = spans.stats();
    const { promise: timeOut, resolve } = Promise.withResolvers<string>();
    const timer = setTimeout(() => resolve(`the collector did not acknowledge within ${maxMillis} ms`), maxMillis);
    try {
      const error = await Promise.race([spans.flush(), timeOut]);
      if (error !== undefined) return error;
      const lost = lostSpans(spans.stats()) - lostSpans(before);
      return lost > 0 ? `${lost} spans were refused or dropped meanwhile; GET /stats counts them by reason` : undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #receipt(barrier: BarrierResult, beganMillis: number): Receipt {
    const { capture, hub, spans } = this.#sources;
    const subscribers = hub.stats();
    const spanLedger = spans?.stats();
    const imbalances = [
      ...protocolImbalances(barrier.protocols),
      ...readerImbalances(capture.stats().reader),
      ...handoverImbalances(barrier.protocols, subscribers.offered, true),
      ...subscriberImbalances(subscribers.total, subscribers.subscribers),
      ...(spanLedger === undefined ? [] : spanImbalances(spanLedger)),
    ];
    return {
      id: barrier.id,
      durationMs: Math.round((this.#nowMillis() - beganMillis) * 1000) / 1000,
      protocols: Object.fromEntries(
        Object.entries(barrier.protocols).map(([name, { observed, enqueued, filtered, delivered, dropped }]) => [
          name,
          { observed, enqueued, ...(filtered !== undefined && { filtered }), delivered, dropped },
        ]),
      ),
      spans: spanLedger === undefined ? NO_SPANS : receiptSpans(spanLedger),
      balanced: imbalances.length === 0,
    };
  }
}

/** Of those accepted. What finds the queue full came after the barrier, whose events are all in the queue by then. */
const lostSpans = ({ rejected, dropped }: SpanLedger): number =>
  Object.entries(dropped).reduce((sum, [reason, count]) => (reason === "queue_full" ? sum : sum + count), rejected);

export type { SyncOutcome, SyncSources };
export { SyncService };
