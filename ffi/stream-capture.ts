import type { ClockOffset } from "./clock.ts";
import { Consumer } from "./consumer.ts";
import { type BatchKeeper, Delivery } from "./delivery.ts";
import { CaptureError } from "./errors.ts";
import type { BarrierResult, Capture, CaptureStats, ProtocolLedger, Sink, WantedTransactions } from "./event.ts";
import { protocolLedger } from "./ledger.ts";
import type { BarrierDone, Reader } from "./reader.ts";
import { type AnyStream, STREAMS, type Stream } from "./stream.ts";
import type { TargetPolicy } from "./target-policy.ts";

/** What a kind of capture is made of. */
export interface StreamCaptureParts {
  /** Open, and not started. */
  reader: Reader;
  streams: readonly (readonly [name: string, stream: AnyStream])[];
  /** From the events' clock to the wall clock, as it is now. */
  clock: () => ClockOffset;
  policy: TargetPolicy;
  sinks: readonly Sink[];
  /** Keeps what is delivered, before any sink is offered it. */
  history?: BatchKeeper | undefined;
  /** Waits for sinks that are not ready, rather than let them drop: only where nothing is lost by waiting. */
  patient?: boolean;
}

interface RunningStream {
  number: number;
  isFollowed: boolean;
  enabled: boolean;
  start(): void;
  stop(): void;
}

/** The whole way from a reader to the sinks. */
export abstract class StreamCapture implements Capture {
  readonly #reader: Reader;
  readonly #streams = new Map<string, RunningStream>();
  readonly #delivery: Delivery;
  readonly #patientSinks: readonly Sink[];
  #holding = false;
  /** Barriers that were whole and yet left an event behind: a bug, never seen, and looked for at each one. */
  #violations = 0;
  #lastDone: BarrierDone | undefined;
  #lastResult: BarrierResult | undefined;

  protected constructor({ reader, streams, clock, policy, sinks, history, patient = false }: StreamCaptureParts) {
    this.#reader = reader;
    this.#delivery = new Delivery(sinks, clock, policy, history);
    this.#patientSinks = patient ? sinks : [];
    for (const [name, stream] of streams) this.#streams.set(name, stream.use(this.#open));
    reader.onPause(() => {
      this.#delivery.endTurn();
      this.#keepPace();
    });
  }

  get running(): boolean {
    return this.#reader.running;
  }

  /** @throws CaptureError */
  async start(): Promise<void> {
    for (const stream of this.#streams.values()) stream.start();
    await this.#reader.start();
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

  /** Only the kernel leaves anything out. */
  setWanted(_wanted: WantedTransactions | undefined): boolean {
    return false;
  }

  stats(): CaptureStats {
    const protocols: Record<string, ProtocolLedger> = {};
    const following: CaptureStats["following"] = {};
    const cpus: CaptureStats["cpus"] = [];
    const reader = this.#reader.stats();
    for (const [name, { number, isFollowed }] of this.#streams) {
      const counters = this.#reader.counters(name);
      const ledger = protocolLedger(counters, this.#reader.delivered(number));
      protocols[name] = ledger.total;
      for (const [cpu, side] of ledger.cpus.entries()) {
        cpus[cpu] ??= { cpu, protocols: {} };
        cpus[cpu].protocols[name] = side;
      }
      if (isFollowed) following[name] = counters.following();
      Object.assign(reader, counters.diagnostics(name));
    }
    const enabled = [...this.#streams].filter(([, stream]) => stream.enabled).map(([name]) => name);
    reader.barrier_violations = this.#violations;
    const programs = this.#reader.programs();
    return {
      protocols,
      following,
      enabled,
      cpus,
      reader,
      ring: this.#reader.ring,
      ...(programs === undefined ? {} : { programs }),
    };
  }

  /** Detaches, and resolves when all that was captured has been handed to the sinks. */
  async stop(): Promise<void> {
    await this.#reader.stop();
    for (const stream of this.#streams.values()) stream.stop();
  }

  close(): void {
    this.#reader.close();
  }

  readonly #open = <V>(stream: Stream<V>): RunningStream => {
    const { protocol } = stream;
    const consumer = new Consumer(this.#reader, protocol, (events) => {
      this.#delivery.take(stream, events);
      this.#keepPace();
    });
    return {
      number: protocol.number,
      isFollowed: protocol.isFollowed,
      enabled: true,
      start: () => consumer.start(),
      stop: () => consumer.stop(),
    };
  };

  /** Holds the reader until every sink is ready for more. */
  #keepPace(): void {
    if (this.#holding) return;
    const waits = this.#patientSinks.flatMap((sink) => sink.ready?.() ?? []);
    if (waits.length === 0) return;
    this.#holding = true;
    this.#reader.hold();
    void Promise.all(waits).then(() => {
      this.#holding = false;
      this.#reader.resume();
    });
  }

  #totals(count: (ledger: ProtocolLedger) => number): number[] {
    return [...this.#streams].map(([name, { number }]) =>
      count(protocolLedger(this.#reader.counters(name), this.#reader.delivered(number)).total),
    );
  }
}

/** @throws CaptureError when one is unknown */
export function findStreams(names: readonly string[]): StreamCaptureParts["streams"] {
  return names.map((name) => [name, findStream(name)]);
}

function findStream(name: string): AnyStream {
  const stream = STREAMS[name];
  if (stream === undefined) {
    throw new CaptureError(`unknown protocol "${name}"; there are: ${Object.keys(STREAMS).join(", ")}`);
  }
  return stream;
}
