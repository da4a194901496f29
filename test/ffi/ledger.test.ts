import { describe, expect, test } from "bun:test";
import { counters as Counters, drop_reason, refuse_reason, reader_stats as Stats } from "../../ffi/layout.generated.ts";
import { KernelCounters, protocolLedger, readReaderStats } from "../../ffi/ledger.ts";

/** Memory of `struct counters`, one a CPU, that a test writes as the kernel would. */
class Memory {
  readonly buffer: ArrayBuffer;
  readonly #view: DataView;

  constructor(cpus: number) {
    this.buffer = new ArrayBuffer(cpus * Counters.SIZE);
    this.#view = new DataView(this.buffer);
  }

  set(cpu: number, offset: number, value: bigint): void {
    this.#view.setBigUint64(cpu * Counters.SIZE + offset, value, true);
  }
}

const dropped = (reason: number) => Counters.dropped + reason * 8;

describe("KernelCounters", () => {
  test("reads each CPU's own side of the ledger, drops by reason", () => {
    const memory = new Memory(3);
    memory.set(1, Counters.observed, 2n ** 33n + 6n);
    memory.set(1, Counters.enqueued, 2n ** 33n);
    memory.set(1, dropped(drop_reason.DROP_PAGES_FULL), 1n);
    memory.set(1, dropped(drop_reason.DROP_COPY_REFUSED), 5n);
    const counters = new KernelCounters(memory.buffer, 3);
    const nothing = { observed: 0, enqueued: 0, dropped: {} };
    expect([0, 1, 2].map((cpu) => counters.readCpu(cpu))).toEqual([
      nothing,
      { observed: 2 ** 33 + 6, enqueued: 2 ** 33, dropped: { pages_full: 1, copy_refused: 5 } },
      nothing,
    ]);
  });

  test("knows every reason of the contract by name", () => {
    const memory = new Memory(1);
    for (let reason = 0; reason < drop_reason.DROP_REASONS; reason++)
      memory.set(0, dropped(reason), BigInt(reason + 1));
    memory.set(0, Counters.observed, 10n);
    expect(new KernelCounters(memory.buffer, 1).readCpu(0).dropped).toEqual({
      pages_full: 1,
      contended: 2,
      table_full: 3,
      copy_refused: 4,
    });
  });

  test("a reading that an enqueue makes uneven is taken again until it is even", () => {
    const memory = new Memory(1);
    const words = new BigUint64Array(memory.buffer);
    let reads = 0;
    // An enqueue that is half-way for the first 20 accesses: observed, and not yet enqueued.
    const changing = new Proxy(words, {
      get: (target, key) => {
        if (key === String(Counters.observed / 8)) return 1n;
        if (key === String(Counters.enqueued / 8)) return reads++ < 20 ? 0n : 1n;
        return Reflect.get(target, key);
      },
    });
    const original = globalThis.BigUint64Array;
    try {
      globalThis.BigUint64Array = new Proxy(original, { construct: () => changing });
      const counters = new KernelCounters(memory.buffer, 1);
      expect(counters.readCpu(0)).toEqual({ observed: 1, enqueued: 1, dropped: {} });
      expect(reads).toBe(21);
    } finally {
      globalThis.BigUint64Array = original;
    }
  });

  test("a ledger that stays uneven is given as it is, after a bounded number of readings", () => {
    const memory = new Memory(1);
    memory.set(0, Counters.observed, 2n);
    memory.set(0, Counters.enqueued, 1n);
    expect(new KernelCounters(memory.buffer, 1).readCpu(0)).toEqual({ observed: 2, enqueued: 1, dropped: {} });
  });

  test("sees what the kernel writes later", () => {
    const memory = new Memory(1);
    const counters = new KernelCounters(memory.buffer, 1);
    memory.set(0, Counters.observed, 7n);
    memory.set(0, Counters.enqueued, 7n);
    expect(counters.readCpu(0).enqueued).toBe(7);
  });

  test("sums its diagnostics over the CPUs, under the stream's name", () => {
    const memory = new Memory(2);
    memory.set(0, Counters.batches, 3n);
    memory.set(1, Counters.batches, 4n);
    const counters = new KernelCounters(memory.buffer, 2);
    expect(counters.diagnostics("http")).toMatchObject({ http_batches: 7, http_flushed: 0 });
  });

  test("says how many connections are left of those made, on whichever CPU they were made and went", () => {
    const memory = new Memory(2);
    memory.set(0, Counters.entries_made, 9n);
    memory.set(1, Counters.entries_made, 1n);
    memory.set(1, Counters.entries_gone, 4n);
    expect(new KernelCounters(memory.buffer, 2).following().connections).toBe(6);
    // Read a moment apart.
    memory.set(1, Counters.entries_gone, 11n);
    expect(new KernelCounters(memory.buffer, 2).following().connections).toBe(0);
  });

  test("says what could not be followed, and why", () => {
    const memory = new Memory(2);
    memory.set(0, Counters.gaps, 1n);
    memory.set(1, Counters.gaps, 2n);
    memory.set(1, Counters.connection_busy, 5n);
    memory.set(0, Counters.refused + 8 * refuse_reason.REFUSED_LENGTH, 6n);
    memory.set(1, Counters.refused + 8 * refuse_reason.REFUSED_LENGTH, 1n);
    memory.set(1, Counters.refused + 8 * refuse_reason.REFUSED_START_LINE, 1n);
    expect(new KernelCounters(memory.buffer, 2).following()).toEqual({
      connections: 0,
      gaps: 3,
      unread: 5,
      refused: { length: 7, start_line: 1 },
    });
  });
});

test("protocolLedger() adds the CPUs up, and what is not delivered is pending", () => {
  const memory = new Memory(2);
  memory.set(0, Counters.observed, 10n);
  memory.set(0, Counters.enqueued, 8n);
  memory.set(0, dropped(drop_reason.DROP_PAGES_FULL), 2n);
  memory.set(1, Counters.observed, 5n);
  memory.set(1, Counters.enqueued, 3n);
  memory.set(1, dropped(drop_reason.DROP_PAGES_FULL), 1n);
  memory.set(1, dropped(drop_reason.DROP_TABLE_FULL), 1n);
  const { total, cpus } = protocolLedger(new KernelCounters(memory.buffer, 2), 6);
  expect(total).toEqual({
    observed: 15,
    enqueued: 11,
    delivered: 6,
    pending: 5,
    dropped: { pages_full: 3, table_full: 1 },
  });
  expect(cpus.map(({ observed }) => observed)).toEqual([10, 5]);
});

test("readReaderStats() names every counter of struct reader_stats but its padding", () => {
  const words = new BigUint64Array(Stats.SIZE / 8).map((_, index) => BigInt(index + 1));
  const stats = readReaderStats(words);
  expect(Object.keys(stats).toSorted()).toEqual(
    Object.keys(Stats)
      .filter((name) => name !== "SIZE" && name !== "pad")
      .toSorted(),
  );
  expect(stats.batches).toBe(Stats.batches / 8 + 1);
  expect(stats.sockets).toBe(Stats.sockets / 8 + 1);
});
