import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Stats } from "../../server/schema.ts";
import { type Child, endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders } from "../e2e/support/nginx.ts";
import { Service } from "../e2e/support/service.ts";
import { Counter } from "../e2e/support/subscriber.ts";
import { describeKernel } from "../kernel.ts";
import { expectSettled } from "./support/ledger.ts";
import { expectAllAccounted, runWrk, runWrkUntil, Server } from "./support/load.ts";
import { program } from "./support/own.ts";
import type { LaggardReport } from "./support/programs/laggard.ts";

const LAGGARDS = 3;
const QUEUE_MAX = 5000;
/** What one queue of that size holds, with room for the garbage of the load. It would grow by that in a second if it were not bounded. */
const GROWTH_MAX_MIB = 64;
const LIMIT_MILLIS = 60_000;

function residentMib(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)?.[1]) / 1024;
}

const flowOf = (stats: Stats, id: number) => stats.subscribers.subscribers.find((subscriber) => subscriber.id === id);

describeKernel("a subscriber that never reads", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  test(
    "costs a constant: its losses are counted, announced by gaps once it reads again, and nobody else loses anything",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network, { flags: [`--queue-max=${QUEUE_MAX}`] });
      const server = await Server.start(network);
      const reports: LaggardReport[][] = [];
      const laggards: Child[] = [];
      // One after the other, so that the service numbers them in this order.
      for (let index = 0; index < LAGGARDS; index++) {
        reports[index] = [];
        laggards.push(
          program(network, "laggard", [service.url], (line) => {
            if (line.startsWith("{")) reports[index]?.push(JSON.parse(line));
          }),
        );
        await service.statsWhen(({ subscribers }) => subscribers.connected === index + 1);
      }
      const counter = await Counter.start(network, service.url);

      const dropped = ({ subscribers }: Stats) =>
        subscribers.subscribers.filter(({ dropped }) => (dropped.queue_full ?? 0) > 0).length === LAGGARDS;
      await runWrkUntil(network, service, { seconds: 2, connections: 16 }, dropped);
      const full = await service.stats();
      const residentFull = residentMib(service.process.pid);
      await runWrk(network, { seconds: 3, connections: 16 });
      expect(residentMib(service.process.pid) - residentFull).toBeLessThan(GROWTH_MAX_MIB);

      const { receipt, stats } = await expectAllAccounted(service, server, counter);
      const delivered = receipt.protocols.http?.delivered ?? 0;
      expectSettled(stats);
      expect(receipt.balanced).toBe(true);
      for (let id = 1; id <= LAGGARDS; id++) {
        const { sent = 0, queued = 0, dropped = {}, paused } = flowOf(stats, id) ?? {};
        expect(paused).toBe(true);
        expect(queued).toBeWithin(1, QUEUE_MAX + 1);
        expect(Object.keys(dropped)).toEqual(["queue_full"]);
        expect(dropped.queue_full).toBeGreaterThan(flowOf(full, id)?.dropped.queue_full ?? 0);
        expect(sent + queued + (dropped.queue_full ?? 0)).toBe(delivered);
      }

      for (const laggard of laggards) laggard.say("read");
      for (const [index, laggard] of laggards.entries()) {
        const find = () => reports[index]?.find(({ id }) => id === receipt.id);
        await laggard.until(() => find() !== undefined);
        const { events, gaps, lost, holes, nextSeq } = find() as LaggardReport;
        const flow = flowOf(stats, index + 1);
        expect({ lost, holes, nextSeq }).toEqual({
          lost: flow?.dropped.queue_full ?? 0,
          holes: 0,
          nextSeq: delivered + 1,
        });
        expect(events + lost).toBe(delivered);
        expect(gaps).toBeGreaterThan(0);
      }
      const after = await service.statsWhen(({ subscribers }) => subscribers.total.queued === 0);
      expectSettled(after);
    },
    LIMIT_MILLIS,
  );
});
