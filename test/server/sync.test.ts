import { describe, expect, test } from "bun:test";
import type { SpanLedger } from "../../ffi/event.ts";
import { Hub } from "../../server/hub.ts";
import type { Spans } from "../../server/spans.ts";
import { type SyncOutcome, SyncService } from "../../server/sync.ts";
import { FakeCapture, FakeTransport, httpEvents, noSpans } from "./fake.ts";

/** Exports all at each flush, unless told otherwise. Does not prove that a flush of OpenTelemetry waits for anything. */
class FakeSpans implements Spans {
  ledger: SpanLedger = noSpans();
  onFlush: () => Promise<void> = async () => this.export();

  stats(): SpanLedger {
    return structuredClone(this.ledger);
  }

  flush(): Promise<void> {
    return this.onFlush();
  }

  count(events: number): void {
    this.ledger.delivered += events;
    this.ledger.accepted += events;
    this.ledger.queued += events;
  }

  export(): void {
    this.ledger.exported += this.ledger.queued;
    this.ledger.queued = 0;
  }
}

const setUp = ({ withSpans = true, exportMaxMillis = 60_000 } = {}) => {
  const capture = new FakeCapture();
  const hub = new Hub({ queueMax: 100, subscriberMax: 10, version: "0.0.0" });
  const spans = new FakeSpans();
  const transport = new FakeTransport();
  hub.subscribe(transport, "fake");
  let nowMillis = 0;
  const service = new SyncService({
    capture,
    hub,
    spans: withSpans ? spans : undefined,
    exportMaxMillis,
    nowMillis: () => (nowMillis += 1.25),
  });
  const see = (fromSeq: number, count: number) => {
    capture.count(count);
    hub.offer(httpEvents(fromSeq, count));
    if (withSpans) spans.count(count);
  };
  const syncIds = () => transport.frames.flatMap((frame) => (frame.type === "sync" ? [frame.id] : []));
  return { capture, hub, spans, transport, service, see, syncIds };
};

const receiptOf = (outcome: SyncOutcome) => {
  if (outcome.kind === "refused") throw new Error(`refused: ${outcome.message}`);
  return outcome.receipt;
};

describe("a receipt", () => {
  test("has exactly the documented shape", async () => {
    const { service, see, spans } = setUp();
    see(1, 9);
    spans.export();
    see(10, 1);
    expect(await service.sync({ waitForExport: false })).toEqual({
      kind: "complete",
      receipt: {
        id: 1,
        durationMs: 1.25,
        protocols: { http: { observed: 10, enqueued: 10, delivered: 10, dropped: {} } },
        spans: { accepted: 10, exported: 9, queued: 1 },
        balanced: true,
      },
    });
  });

  test("shows zeros for spans when their export is off", async () => {
    const { service, see } = setUp({ withSpans: false });
    see(1, 1);
    const outcome = await service.sync({ waitForExport: false });
    expect(receiptOf(outcome)).toMatchObject({ spans: { accepted: 0, exported: 0, queued: 0 }, balanced: true });
  });

  const imbalances: [string, (parts: ReturnType<typeof setUp>) => void][] = [
    ["the kernel", ({ capture }) => (capture.current.protocols.http as { observed: number }).observed++],
    ["the way to user space", ({ capture }) => (capture.current.protocols.http as { pending: number }).pending++],
    ["the hand-over to the hub", ({ capture }) => capture.count(1)],
    ["the spans", ({ spans }) => spans.ledger.rejected++],
  ];
  test.each(imbalances)("does not balance when an event is missing in %s", async (_, lose) => {
    const parts = setUp();
    parts.see(1, 3);
    lose(parts);
    expect(receiptOf(await parts.service.sync({ waitForExport: false })).balanced).toBe(false);
  });

  test("balances although further events arrived since the barrier", async () => {
    const { capture, service, see, hub } = setUp({ withSpans: false });
    see(1, 3);
    const { promise, resolve } = Promise.withResolvers<void>();
    capture.gate = promise;
    const pending = service.sync({ waitForExport: false });
    resolve();
    queueMicrotask(() => queueMicrotask(() => hub.offer(httpEvents(4, 1))));
    expect(receiptOf(await pending).balanced).toBe(true);
  });
});

describe("subscribers", () => {
  test("hear of each barrier once, however many callers shared it, behind its events", async () => {
    const { service, see, syncIds, transport } = setUp();
    see(1, 2);
    const outcomes = await Promise.all([1, 2, 3].map(() => service.sync({ waitForExport: false })));
    expect(new Set(outcomes.map((outcome) => receiptOf(outcome).id))).toEqual(new Set([1]));
    await service.sync({ waitForExport: false });
    expect(syncIds()).toEqual([1, 2]);
    expect(transport.frames.map((frame) => frame.type)).toEqual(["hello", "batch", "sync", "sync"]);
  });

  test("hear of the barrier without waiting for the collector", async () => {
    const { service, spans, syncIds } = setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    const flushing = Promise.withResolvers<void>();
    spans.onFlush = () => {
      flushing.resolve();
      return promise;
    };
    const pending = service.sync({ waitForExport: true });
    await flushing.promise;
    expect(syncIds()).toEqual([1]);
    resolve();
    await pending;
  });
});

describe("wait=export", () => {
  test("answers after the acknowledgement", async () => {
    const { service, see } = setUp();
    see(1, 4);
    const outcome = await service.sync({ waitForExport: true });
    expect(outcome).toMatchObject({ kind: "complete", receipt: { spans: { accepted: 4, exported: 4, queued: 0 } } });
  });

  test("is partial when the collector does not answer in time", async () => {
    const { service, see, spans } = setUp({ exportMaxMillis: 1 });
    see(1, 4);
    spans.onFlush = () => new Promise(() => {});
    expect(await service.sync({ waitForExport: true })).toMatchObject({
      kind: "partial",
      receipt: { spans: { queued: 4 }, exportError: "the collector did not acknowledge within 1 ms", balanced: true },
    });
  });

  test("is partial when the flush fails", async () => {
    const { service, spans } = setUp();
    spans.onFlush = () => Promise.reject(new Error("connection refused"));
    expect(await service.sync({ waitForExport: true })).toMatchObject({
      kind: "partial",
      receipt: { exportError: "connection refused" },
    });
  });

  test("is partial when spans were dropped instead of acknowledged", async () => {
    const { service, see, spans } = setUp();
    see(1, 4);
    spans.onFlush = async () => {
      spans.ledger.queued = 0;
      spans.ledger.dropped.export_failed = 4;
    };
    expect(await service.sync({ waitForExport: true })).toMatchObject({
      kind: "partial",
      receipt: {
        exportError: "4 spans were refused or dropped meanwhile; GET /stats counts them by reason",
        balanced: true,
      },
    });
  });

  test("is refused when span export is off", async () => {
    const { service } = setUp({ withSpans: false });
    expect(await service.sync({ waitForExport: true })).toMatchObject({ kind: "refused", code: "export_off" });
  });
});

describe("a barrier that is not whole", () => {
  test("gives a partial receipt that names the CPUs, and so does the frame", async () => {
    const { service, capture, transport } = setUp();
    capture.missingCpus.push(1);
    const outcome = await service.sync({ waitForExport: false });
    expect(outcome).toMatchObject({ kind: "partial", receipt: { id: 1, missingCpus: [1] } });
    expect(transport.frames.at(-1)).toEqual({ type: "sync", id: 1, missingCpus: [1] });
  });

  test("is refused when the capture is stopped, before or meanwhile", async () => {
    const { service, capture } = setUp();
    capture.gate = Promise.reject(new Error("stopped"));
    const meanwhile = service.sync({ waitForExport: false });
    capture.running = false;
    expect(await meanwhile).toMatchObject({ kind: "refused", code: "capture_stopped" });
    expect(await service.sync({ waitForExport: false })).toMatchObject({ kind: "refused", code: "capture_stopped" });
  });

  test("is thrown on when it failed for another reason", async () => {
    const { service, capture } = setUp();
    capture.gate = Promise.reject(new Error("boom"));
    await expect(service.sync({ waitForExport: false })).rejects.toThrow("boom");
  });
});
