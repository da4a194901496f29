import { type ClockOffset, clockOffset } from "./clock.ts";
import { Consumer } from "./consumer.ts";
import { decodeHttpEvent } from "./decode.ts";
import type { BarrierResult, Capture, CaptureStats, EventSink, HttpEvent, ProtocolLedger } from "./event.ts";
import type { HttpEventView } from "./http-view.ts";
import { protocolLedger } from "./ledger.ts";
import { http } from "./protocol.ts";
import { Reader } from "./reader.ts";
import type { ReaderOptions } from "./reader-options.ts";
import { symbols } from "./symbols.ts";

/** Sinks get at most so many events at once; small batches of one turn are joined up to it. */
const OFFER_MAX = 256;
/** The wall clock is slewed against the monotonic one, so their distance is taken anew this often. */
const CLOCK_MILLIS = 1000;

/** The whole way from the kernel to the sinks: numbers every event, gives it its wall-clock time, hands it to each sink. */
export class HttpCapture implements Capture {
  readonly #reader: Reader;
  readonly #consumer: Consumer<HttpEventView>;
  readonly #sinks: readonly EventSink[];
  #batch: HttpEvent[] = [];
  #seq = 0;
  #clock: ClockOffset = readClock();
  #clockTimer: Timer | undefined;

  /** Loads the programs. @throws CaptureError when the kernel or this process may not */
  constructor(options: Partial<ReaderOptions>, sinks: readonly EventSink[]) {
    this.#reader = new Reader(options);
    this.#sinks = sinks;
    this.#consumer = new Consumer(this.#reader, http, (events) => {
      for (let index = 0; index < events.length; index++) this.#take(events.at(index));
    });
    this.#reader.onPause(() => this.#offer());
  }

  get running(): boolean {
    return this.#reader.running;
  }

  /** @throws CaptureError */
  async start(): Promise<void> {
    this.#consumer.start();
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
    const done = await this.#consumer.sync();
    return resultOf(done, () => this.stats().protocols);
  }

  stats(): CaptureStats {
    const { total, cpus } = protocolLedger(this.#reader.counters, this.#reader.delivered(http.number));
    return {
      protocols: { http: total },
      cpus: cpus.map((ledger, cpu) => ({ cpu, protocols: { http: ledger } })),
      reader: { ...this.#reader.stats(), ...this.#reader.counters.diagnostics("http") },
    };
  }

  /** Detaches, and resolves when all that was captured has been handed to the sinks. */
  async stop(): Promise<void> {
    await this.#reader.stop();
    this.#consumer.stop();
  }

  close(): void {
    clearInterval(this.#clockTimer);
    this.#reader.close();
  }

  #take(view: HttpEventView): void {
    this.#batch.push(decodeHttpEvent(view, ++this.#seq, this.#clock));
    if (this.#batch.length >= OFFER_MAX) this.#offer();
  }

  #offer(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    for (const sink of this.#sinks) sink.offer(batch);
  }
}

function readClock(): ClockOffset {
  return clockOffset(symbols.reader_clock_offset_ns());
}

/** Callers that share a barrier get the same object, read once. */
const results = new WeakMap<object, BarrierResult>();

function resultOf(
  done: { id: number; missingCpus: number[] },
  protocols: () => Record<string, ProtocolLedger>,
): BarrierResult {
  let result = results.get(done);
  if (result === undefined) {
    result = { ...done, protocols: protocols() };
    results.set(done, result);
  }
  return result;
}
