import { type ClockOffset, clockOffset } from "./clock.ts";
import { Consumer } from "./consumer.ts";
import { Delivery } from "./delivery.ts";
import { CaptureError } from "./errors.ts";
import type { BarrierResult, Capture, CaptureStats, ProtocolLedger, Sink } from "./event.ts";
import { protocolLedger } from "./ledger.ts";
import { type BarrierDone, Reader } from "./reader.ts";
import { objectPath, type ReaderOptions } from "./reader-options.ts";
import { type AnyStream, STREAMS, type Stream } from "./stream.ts";
import { kernelSymbols } from "./symbols.ts";
import { TargetPolicy } from "./target-policy.ts";

/** The wall clock is slewed against the monotonic one, so their distance is taken anew this often. */
const CLOCK_MILLIS = 1000;

export interface CaptureOptions extends Omit<ReaderOptions, "objectPaths"> {
  /** Of {@link STREAMS}. */
  protocols: readonly string[];
  /** What may be reported of request targets. */
  policy: TargetPolicy;
}

interface RunningStream {
  number: number;
  enabled: boolean;
  start(): void;
  stop(): void;
}

/** The whole way from the kernel to the sinks. */
export class KernelCapture implements Capture {
  readonly #reader: Reader;
  readonly #streams = new Map<string, RunningStream>();
  readonly #delivery: Delivery;
  #clock: ClockOffset = readClock();
  #clockTimer: Timer | undefined;
  /** Barriers that were whole and yet left an event behind: a bug, never seen, and looked for at each one. */
  #violations = 0;
  #lastDone: BarrierDone | undefined;
  #lastResult: BarrierResult | undefined;

  /** Loads the programs. @throws CaptureError when a protocol is unknown, or the kernel or this process may not */
  constructor(
    { protocols = ["http"], policy = new TargetPolicy(), ...options }: Partial<CaptureOptions>,
    sinks: readonly Sink[],
  ) {
    const wanted = protocols.map((name) => [name, findStream(name)] as const);
    this.#reader = new Reader({ ...options, objectPaths: protocols.map((name) => objectPath(name, options.pathMax)) });
    this.#delivery = new Delivery(sinks, () => this.#clock, policy);
    for (const [name, stream] of wanted) this.#streams.set(name, stream.use(this.#open));
    this.#reader.onPause(() => this.#delivery.flush());
  }

  get running(): boolean {
    return this.#reader.running;
  }

  /** @throws CaptureError */
  async start(): Promise<void> {
    for (const stream of this.#streams.values()) stream.start();
    this.#clockTimer ??= setInterval(() => {
      this.#clock = readClock();
    }, CLOCK_MILLIS);
    this.#clockTimer.unref();
    await this.#reader.start();
  }

  /** Leaves out the connections that this process accepts on a TCP port. */
  setListenPort(port: number): void {
    this.#reader.setListenPort(port);
  }

  async sync(): Promise<BarrierResult> {
    const before = this.#totals(({ enqueued }) => enqueued);
    const done = await this.#reader.sync();
    const after = this.#totals(({ delivered }) => delivered);
    if (done.missingCpus.length === 0 && before.some((enqueued, stream) => (after[stream] ?? 0) < enqueued)) {
      this.#violations += 1;
    }
    // Callers that share a barrier get the same object, read once.
    if (this.#lastDone !== done || this.#lastResult === undefined) {
      this.#lastDone = done;
      this.#lastResult = { ...done, protocols: this.stats().protocols };
    }
    return this.#lastResult;
  }

  setEnabled(protocol: string, enabled: boolean): boolean {
    const stream = this.#streams.get(protocol);
    if (stream === undefined || !this.#reader.setPaused(protocol, !enabled)) return false;
    stream.enabled = enabled;
    return true;
  }

  stats(): CaptureStats {
    const protocols: Record<string, ProtocolLedger> = {};
    const cpus: CaptureStats["cpus"] = [];
    const reader = this.#reader.stats();
    for (const [name, { number }] of this.#streams) {
      const counters = this.#reader.counters(name);
      const ledger = protocolLedger(counters, this.#reader.delivered(number));
      protocols[name] = ledger.total;
      for (const [cpu, side] of ledger.cpus.entries()) {
        cpus[cpu] ??= { cpu, protocols: {} };
        cpus[cpu].protocols[name] = side;
      }
      Object.assign(reader, counters.diagnostics(name));
    }
    const enabled = [...this.#streams].filter(([, stream]) => stream.enabled).map(([name]) => name);
    reader.barrier_violations = this.#violations;
    return { protocols, enabled, cpus, reader };
  }

  /** Detaches, and resolves when all that was captured has been handed to the sinks. */
  async stop(): Promise<void> {
    await this.#reader.stop();
    for (const stream of this.#streams.values()) stream.stop();
  }

  close(): void {
    clearInterval(this.#clockTimer);
    this.#reader.close();
  }

  readonly #open = <V>(stream: Stream<V>): RunningStream => {
    const { protocol } = stream;
    const consumer = new Consumer(this.#reader, protocol, (events) => this.#delivery.take(stream, events));
    return { number: protocol.number, enabled: true, start: () => consumer.start(), stop: () => consumer.stop() };
  };

  #totals(count: (ledger: ProtocolLedger) => number): number[] {
    return [...this.#streams].map(([name, { number }]) =>
      count(protocolLedger(this.#reader.counters(name), this.#reader.delivered(number)).total),
    );
  }
}

function readClock(): ClockOffset {
  return clockOffset(kernelSymbols().reader_clock_offset_ns());
}

function findStream(name: string): AnyStream {
  const stream = STREAMS[name];
  if (stream === undefined) {
    throw new CaptureError(`unknown protocol "${name}"; there are: ${Object.keys(STREAMS).join(", ")}`);
  }
  return stream;
}
