/** Stand-ins for what the server is given. What each does not prove is said at its declaration. */

import type { BarrierResult, Capture, CaptureStats, HttpEvent, SpanLedger } from "../../ffi/event.ts";
import type { Filter } from "../../server/filter.ts";
import type { Transport } from "../../server/transport.ts";

const httpEvent = (seq: number, change: Partial<HttpEvent> = {}): HttpEvent => ({
  protocol: "http",
  seq,
  cpu: 0,
  startTimeUnixNano: "1790000000000000000",
  durationNano: 1_234_567,
  client: { address: "10.0.0.7", port: 51514 },
  server: { address: "10.0.0.2", port: 8080 },
  method: "GET",
  path: `/users/${seq}`,
  pathTruncated: false,
  requestHeaderBytes: 78,
  requestBodyBytes: 0,
  status: 200,
  responseHeaderBytes: 151,
  responseBodyBytes: 1234,
  timeToFirstByteNano: 1_000_000,
  version: "1.1",
  outcome: "complete",
  ...change,
});

const httpEvents = (fromSeq: number, count: number): HttpEvent[] =>
  Array.from({ length: count }, (_, index) => httpEvent(fromSeq + index));

/** A frame as a client sees it, parsed. */
interface SeenFrame {
  type: string;
  id?: number;
  message?: string;
  dropped?: number;
  fromSeq?: number;
  toSeq?: number;
  nextSeq?: number;
  subscriber?: number;
  missingCpus?: number[];
  events?: HttpEvent[];
  filter?: Filter;
  resumed?: boolean;
  reason?: string;
}

/**
 * Answers each send with the next of `statuses`, or with success. Does not prove that Bun's statuses mean what
 * `SendStatus` says: `listen.test.ts` does, with a real socket.
 */
class FakeTransport implements Transport {
  readonly frames: SeenFrame[] = [];
  /** Binary ones as they are. */
  readonly inOrder: (SeenFrame | Uint8Array)[] = [];
  readonly statuses: number[] = [];
  closed: { code: number; reason: string } | undefined;
  nextStatus: () => number = () => this.statuses.shift() ?? 1;

  send(payload: string | Uint8Array): number {
    const status = this.nextStatus();
    if (status === 0) return status;
    const seen = typeof payload === "string" ? (JSON.parse(payload) as SeenFrame) : Uint8Array.from(payload);
    this.inOrder.push(seen);
    if (!(seen instanceof Uint8Array)) this.frames.push(seen);
    return status;
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }
}

/** Barriers complete at once, or when the test says. Does not prove that a real barrier orders anything. */
class FakeCapture implements Capture {
  running = true;
  barriers = 0;
  readonly missingCpus: number[] = [];
  current: CaptureStats = {
    protocols: { http: { observed: 0, enqueued: 0, delivered: 0, pending: 0, dropped: {} } },
    cpus: [{ cpu: 0, protocols: { http: { observed: 0, enqueued: 0, dropped: {} } } }],
    following: { http: { connections: 0, gaps: 0, unread: 0, refused: {} } },
    enabled: ["http"],
    reader: { barriers: 0 },
  };
  /** What a barrier waits for. */
  gate: Promise<void> = Promise.resolve();
  #shared: Promise<BarrierResult> | undefined;

  stats(): CaptureStats {
    return structuredClone(this.current);
  }

  sync(): Promise<BarrierResult> {
    if (!this.running) return Promise.reject(new Error("capture is stopped"));
    this.#shared ??= this.gate.then(() => {
      this.#shared = undefined;
      this.barriers += 1;
      return { id: this.barriers, protocols: this.stats().protocols, missingCpus: [...this.missingCpus] };
    });
    return this.#shared;
  }

  setWanted(): boolean {
    return false;
  }

  setEnabled(protocol: string, enabled: boolean): boolean {
    if (protocol !== "http") return false;
    this.current.enabled = enabled ? ["http"] : [];
    return true;
  }

  /** Counts events as observed, enqueued and delivered. */
  count(events: number): void {
    for (const ledger of [this.current.protocols.http, this.current.cpus[0]?.protocols.http]) {
      if (ledger === undefined) continue;
      ledger.observed += events;
      ledger.enqueued += events;
    }
    const http = this.current.protocols.http;
    if (http !== undefined) http.delivered += events;
  }
}

const noSpans = (): SpanLedger => ({
  delivered: 0,
  accepted: 0,
  exported: 0,
  rejected: 0,
  queued: 0,
  notSampled: 0,
  dropped: {},
});

/** Numbers from 0 (included) to 1, the same for the same seed. Mulberry32. */
const seededRandom = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};

export type { SeenFrame };
export { FakeCapture, FakeTransport, httpEvent, httpEvents, noSpans, seededRandom };
