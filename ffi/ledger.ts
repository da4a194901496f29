import type { CaptureStats, Following, ProtocolLedger } from "./event.ts";
import { counters as Counters, drop_reason, reader_stats as ReaderStats, refuse_reason } from "./layout.generated.ts";

type KernelLedger = Omit<ProtocolLedger, "delivered" | "pending">;

/** Counters that explain but do not enter the identities. */
const DIAGNOSTICS = ["flushed", "batches", "flush_refused", "barrier_again"] as const;
const DROPS = reasons(drop_reason, "DROP_");
const REFUSALS = reasons(refuse_reason, "REFUSED_");
/**
 * Between an event's two counts a reading is uneven: for a nanosecond, or for as long as an interrupt or the hypervisor
 * keeps the CPU just there. All tries together take some milliseconds.
 */
const READ_TRIES = 4096;

/** An enum of counted reasons, by their lower-case names; its last member is their number. */
function reasons(names: Record<string, number>, prefix: string): { reason: string; index: number }[] {
  return Object.entries(names)
    .filter(([name]) => name.startsWith(prefix))
    .filter(([name]) => name !== "DROP_REASONS")
    .map(([name, index]) => ({ reason: name.slice(prefix.length).toLowerCase(), index }));
}

/** The kernel's counters of one protocol, as mapped memory that changes while it is read. */
export class KernelCounters {
  #words: BigUint64Array;
  readonly cpus: number;

  constructor(memory: ArrayBuffer, cpus: number) {
    this.#words = new BigUint64Array(memory);
    this.cpus = cpus;
  }

  /** One CPU's side of the ledger; taken again, up to a bound, until it is even. */
  readCpu(cpu: number): KernelLedger {
    for (let tries = 0; ; tries++) {
      const ledger = this.#read(cpu);
      const dropped = Object.values(ledger.dropped).reduce((sum, count) => sum + count, 0);
      if (ledger.observed === ledger.enqueued + (ledger.filtered ?? 0) + dropped || tries >= READ_TRIES) return ledger;
    }
  }

  /** Copies what the counters are now, before their memory goes. */
  keep(): void {
    this.#words = this.#words.slice();
  }

  diagnostics(prefix: string): Record<string, number> {
    return Object.fromEntries(DIAGNOSTICS.map((name) => [`${prefix}_${name}`, this.#sum(Counters[name])]));
  }

  following(): Following {
    const refused = REFUSALS.map(({ reason, index }) => [reason, this.#sum(Counters.refused + index * 8)] as const);
    return {
      // Neither is read at the same moment as the other.
      connections: Math.max(0, this.#sum(Counters.entries_made) - this.#sum(Counters.entries_gone)),
      gaps: this.#sum(Counters.gaps),
      unread: this.#sum(Counters.connection_busy),
      refused: Object.fromEntries(refused.filter(([, count]) => count > 0)),
    };
  }

  #sum(offset: number): number {
    let sum = 0;
    for (let cpu = 0; cpu < this.cpus; cpu++) sum += this.#word(cpu, offset);
    return sum;
  }

  #read(cpu: number): KernelLedger {
    const dropped: Record<string, number> = {};
    for (const { reason, index } of DROPS) {
      const count = this.#word(cpu, Counters.dropped + index * 8);
      if (count > 0) dropped[reason] = count;
    }
    const filtered = this.#word(cpu, Counters.filtered);
    return {
      observed: this.#word(cpu, Counters.observed),
      enqueued: this.#word(cpu, Counters.enqueued),
      ...(filtered > 0 && { filtered }),
      dropped,
    };
  }

  #word(cpu: number, offset: number): number {
    return Number(this.#words[(cpu * Counters.SIZE + offset) / 8]);
  }
}

/** The reader's counters by name. */
export function readReaderStats(words: BigUint64Array): Record<string, number> {
  const entries = Object.entries(ReaderStats).filter(([name]) => name !== "SIZE" && name !== "pad");
  return Object.fromEntries(entries.map(([name, offset]) => [name, Number(words[offset / 8])]));
}

/** Adds the CPUs up; `delivered` is user space's. */
export function protocolLedger(
  kernel: KernelCounters,
  delivered: number,
): { total: ProtocolLedger; cpus: CaptureStats["cpus"][number]["protocols"][string][] } {
  const cpus = Array.from({ length: kernel.cpus }, (_, cpu) => kernel.readCpu(cpu));
  const total: ProtocolLedger = { observed: 0, enqueued: 0, delivered, pending: 0, dropped: {} };
  for (const { observed, enqueued, filtered, dropped } of cpus) {
    total.observed += observed;
    total.enqueued += enqueued;
    if (filtered !== undefined) total.filtered = (total.filtered ?? 0) + filtered;
    for (const [reason, count] of Object.entries(dropped)) total.dropped[reason] = (total.dropped[reason] ?? 0) + count;
  }
  total.pending = total.enqueued - delivered;
  return { total, cpus };
}
