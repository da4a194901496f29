import type { KernelCounters } from "../../ffi/ledger.ts";
import type { BarrierDone } from "../../ffi/reader.ts";
import type { Arrived } from "./arrivals.ts";
import type { BarrierLog } from "./barrier-log.ts";
import type { Load } from "./load.ts";

const CALLERS = 8;
const PAUSE_MILLIS_MAX = 20;
const FAULTS_SHOWN = 20;

/** What of the capture a storm looks at. */
export interface Watched {
  sync(): Promise<BarrierDone>;
  counters: KernelCounters;
  load: Load;
  barriers: BarrierLog<Arrived>;
}

/** Up to eight callers that sync at random moments, each time asking whether the barrier was one. */
export class SyncStorm {
  readonly faults: string[] = [];
  /** How long each took. */
  readonly millis: number[] = [];
  readonly #watched: Watched;
  #stopping = false;
  #callers: Promise<void>[] = [];

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  start(): void {
    this.#callers = Array.from({ length: CALLERS }, () => this.#call());
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#callers);
  }

  async #call(): Promise<void> {
    try {
      while (!this.#stopping) {
        await Bun.sleep(Math.random() * PAUSE_MILLIS_MAX);
        await this.#syncOnce();
      }
    } catch (error) {
      this.#fault(String(error));
    }
  }

  async #syncOnce(): Promise<void> {
    const { counters, load, barriers, sync } = this.#watched;
    const enqueued = Array.from({ length: counters.cpus }, (_, cpu) => counters.readCpu(cpu).enqueued);
    const accepted = load.accepted();
    const started = performance.now();
    const { id, missingCpus } = await sync();
    this.millis.push(performance.now() - started);
    const arrived = barriers.at(id);
    if (missingCpus.length > 0) this.#fault(`barrier ${id}: no answer from CPU ${missingCpus}`);
    this.#compare(`barrier ${id}: source`, accepted, arrived.bySource);
    this.#compare(`barrier ${id}: CPU`, enqueued, arrived.byCpu);
  }

  #compare(what: string, before: number[], arrived: Float64Array): void {
    for (const [index, count] of before.entries()) {
      const came = arrived[index] ?? 0;
      if (came < count) this.#fault(`${what} ${index} had enqueued ${count} and ${came} had arrived`);
    }
  }

  #fault(what: string): void {
    if (this.faults.length < FAULTS_SHOWN) this.faults.push(what);
  }
}
