import { afterEach, beforeAll, expect, test } from "bun:test";
import { Consumer } from "../../ffi/consumer.ts";
import { protocolLedger } from "../../ffi/ledger.ts";
import { Reader } from "../../ffi/reader.ts";
import type { ReaderOptions } from "../../ffi/reader-options.ts";
import { endAll } from "../e2e/support/child.ts";
import { describeKernel } from "../kernel.ts";
import { Arrivals } from "./arrivals.ts";
import { BarrierLog } from "./barrier-log.ts";
import { torture } from "./event-view.ts";
import { build, Load, objectPath, type SourceReport } from "./load.ts";
import { Stalls } from "./stalls.ts";
import { sum, summary } from "./summary.ts";
import { SyncStorm } from "./sync-storm.ts";

/**
 * Events from every context of every CPU at once, into a consumer that stalls while others sync: each arrives exactly
 * once, whole and in order, or is in the ledger. TORTURE_SECONDS sets how long each configuration runs.
 */

const EVENTS_MAX = 20_000_000;
/** On average; they come in bursts. */
const EVENTS_PER_SECOND = 350_000;
const SLACK_MILLIS = 60_000;

interface Configuration {
  name: string;
  pageEvents: 1 | 64;
  seconds: number;
  options: Partial<ReaderOptions>;
}

/**
 * A page of 64 events is 4096 bytes and makes a record of 4136, which no ring of one page can ever hold: the smallest
 * ring for it has two. The smallest ring to JavaScript holds two of the largest records.
 */
const CONFIGURATIONS: Configuration[] = [
  { name: "default settings", pageEvents: 64, seconds: 60, options: {} },
  { name: "pages of 1 event", pageEvents: 1, seconds: 15, options: {} },
  {
    name: "rings of the smallest size",
    pageEvents: 64,
    seconds: 15,
    options: { ringBytes: 8192, watermarkBytes: 4096, sharedRingBytes: 16384 },
  },
  {
    name: "pages of 1 event and rings of the smallest size",
    pageEvents: 1,
    seconds: 15,
    options: { ringBytes: 4096, watermarkBytes: 1024, sharedRingBytes: 256 },
  },
];

describeKernel("counting torture", () => {
  let reader: Reader | undefined;
  let load: Load | undefined;

  beforeAll(build, SLACK_MILLIS);
  afterEach(async () => {
    await load?.close();
    await endAll();
    reader?.close();
    reader = load = undefined;
  });

  for (const { name, pageEvents, seconds: ownSeconds, options } of CONFIGURATIONS) {
    const seconds = Number(process.env.TORTURE_SECONDS ?? ownSeconds);

    test(
      `with ${name}, every event arrives exactly once, whole and in order, or is in the ledger`,
      async () => {
        reader = new Reader({ ...options, objectPaths: [objectPath(pageEvents)] });
        const counters = reader.counters(torture.name);
        const arrivals = new Arrivals(counters.cpus);
        const barriers = new BarrierLog(reader, () => arrivals.now());
        const stalls = new Stalls();
        const consumer = new Consumer(reader, torture, (events) => {
          arrivals.add(events);
          stalls.maybe();
        });
        consumer.start();
        await reader.start();

        const started = performance.now();
        load = new Load({ seconds, events: EVENTS_MAX, perSecond: EVENTS_PER_SECOND });
        await load.running();
        const storm = new SyncStorm({ sync: () => consumer.sync(), counters, load, barriers });
        storm.start();
        stalls.start();
        const reports = await load.reports();
        const took = (performance.now() - started) / 1000;
        stalls.stop();
        await storm.stop();
        const last = await consumer.sync();
        const stats = reader.stats();
        const kernel = counters.diagnostics("kernel");
        const ledger = protocolLedger(counters, reader.delivered(torture.number));
        console.log(
          summary({ name, reports, stats, kernel, syncs: storm.millis, stalls: stalls.count, seconds: took }),
        );

        // The load was what it is meant to be, and the looks at the barriers were at the right ones.
        expect(sum(reports, "misplaced") + sum(reports, "other")).toBe(0);
        expect(reports.filter(({ accepted }) => accepted === 0)).toEqual([]);
        expect(barriers.count).toBe(last.id);

        expect(arrivals.faults).toEqual([]);
        expect(storm.faults).toEqual([]);
        expect(last.missingCpus).toEqual([]);
        load.acceptedBits(reports.length).forEach((accepted, source) => {
          expect(differences(accepted, arrivals.bitsOf(source))).toBe(0);
        });
        expect(ledger.cpus).toEqual(ledger.cpus.map((_, cpu) => ledgerOf(reports.filter((one) => one.cpu === cpu))));
        expect(ledger.total.pending).toBe(0);
        expect(arrivals.events).toBe(sum(reports, "accepted"));
        expect(kernel).toMatchObject({ kernel_flushed: arrivals.events, kernel_batches: arrivals.batches });
        expect(stats).toMatchObject({
          out_of_order: 0,
          malformed: 0,
          events: arrivals.events,
          batches: arrivals.batches,
        });
        await reader.stop();
        expect(reader.delivered(torture.number)).toBe(arrivals.events);
      },
      seconds * 1000 + SLACK_MILLIS,
    );
  }
});

/** What the library's counters of a CPU must say. */
function ledgerOf(reports: SourceReport[]) {
  const dropped = { pages_full: sum(reports, "pagesFull"), contended: sum(reports, "contended") };
  return {
    observed: sum(reports, "attempted"),
    enqueued: sum(reports, "accepted"),
    dropped: Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0)),
  };
}

/** In how many bytes two sets of bits differ; what lies behind the end of one counts as zero. */
function differences(one: Uint8Array, other: Uint8Array): number {
  let count = 0;
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    if ((one[index] ?? 0) !== (other[index] ?? 0)) count++;
  }
  return count;
}
