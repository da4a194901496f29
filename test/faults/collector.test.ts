import { afterEach, expect, test } from "bun:test";
import type { PartialReceipt, Stats } from "../../server/schema.ts";
import { endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders } from "../e2e/support/nginx.ts";
import { Service } from "../e2e/support/service.ts";
import { Counter } from "../e2e/support/subscriber.ts";
import { describeKernel } from "../kernel.ts";
import type { Action } from "../otel/support/scripted-collector.ts";
import { Collector } from "./support/collector.ts";
import { expectBalanced, expectSettled, sumOf } from "./support/ledger.ts";
import { expectAllAccounted, PORT, runWrk, Server, startWrk } from "./support/load.ts";

const LIMIT_MILLIS = 60_000;
const REQUESTS = 50;
const QUEUE = 5000;

const EXPORT = {
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_EXPORTER_OTLP_TIMEOUT: "500",
  OTEL_BSP_EXPORT_TIMEOUT: "1000",
  // Only a full batch or a sync sends: what one sync covers goes in one request.
  OTEL_BSP_SCHEDULE_DELAY: "600000",
  OTEL_BSP_MAX_QUEUE_SIZE: String(QUEUE),
};

interface Fault {
  name: string;
  action: Action;
  /** What becomes of the spans that one sync covers. */
  fate: { exported: number; rejected: number; dropped: Record<string, number> };
  says: RegExp;
}

const LOST = { exported: 0, rejected: 0, dropped: { export_failed: REQUESTS } };
const FAULTS: Fault[] = [
  { name: "hangs", action: { do: "hang" }, fate: LOST, says: /./ },
  { name: "answers 503", action: { do: "status", status: 503 }, fate: LOST, says: /./ },
  { name: "answers 400", action: { do: "status", status: 400 }, fate: LOST, says: /50 spans/ },
  {
    name: "rejects some",
    action: { do: "partial", rejected: 20 },
    fate: { exported: REQUESTS - 20, rejected: 20, dropped: {} },
    says: /20 spans/,
  },
  { name: "ends the connection", action: { do: "die" }, fate: LOST, says: /./ },
];

describeKernel("a collector that fails", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  async function exporting() {
    const network = await Network.open();
    const collector = await Collector.start(network);
    const env = { ...EXPORT, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}` };
    const service = await Service.start(network, { env });
    const server = await Server.start(network);
    return { network, collector, service, server };
  }

  async function send(network: Network): Promise<void> {
    const urls = Array.from({ length: REQUESTS }, (_, index) => `http://127.0.0.1:${PORT}/${index}`);
    await network.output("curl", "--silent", ...urls);
  }

  /** `POST /sync?wait=export`, with its status. */
  async function syncExport(service: Service): Promise<[number, PartialReceipt]> {
    const call = ["curl", "--silent", "--write-out", "\n%{http_code}", "-X", "POST", `${service.url}/sync?wait=export`];
    const [receipt = "", status] = (await service.network.output(...call)).split("\n");
    return [Number(status), JSON.parse(receipt) as PartialReceipt];
  }

  function spansOf(stats: Stats) {
    if (stats.spans === undefined) throw new Error("expected spans in /stats, got none");
    return stats.spans;
  }

  test.each(FAULTS.map((fault) => [fault.name, fault] as const))(
    "that %s: POST /sync answers 200, with wait=export 504 and why; every span is accounted for; then it recovers",
    async (_name, { action, fate, says }) => {
      const { network, collector, service } = await exporting();
      await collector.will(action);
      await send(network);
      const [status, receipt] = await syncExport(service);
      expect(status).toBe(504);
      expect(receipt.exportError).toMatch(says);
      expect(receipt).toMatchObject({
        balanced: true,
        protocols: { http: { delivered: REQUESTS, dropped: {} } },
        spans: { accepted: REQUESTS, exported: fate.exported, queued: 0 },
      });
      expect((await service.sync()).balanced).toBe(true);
      const failed = await service.stats();
      expectSettled(failed);
      expect(spansOf(failed)).toEqual({ delivered: REQUESTS, accepted: REQUESTS, queued: 0, notSampled: 0, ...fate });
      expect(await collector.report()).toMatchObject({ taken: fate.exported, rejected: fate.rejected });

      await collector.will({ do: "take" });
      await send(network);
      const [statusAfter, whole] = await syncExport(service);
      expect(statusAfter).toBe(200);
      expect(whole.exportError).toBeUndefined();
      expect(spansOf(await service.stats()).exported).toBe(fate.exported + REQUESTS);
      expect((await collector.report()).taken).toBe(fate.exported + REQUESTS);
    },
    LIMIT_MILLIS,
  );

  test(
    "by dying in the middle of the load, and coming back: subscribers lose nothing, each span is exported or dropped",
    async () => {
      const { network, collector, service, server } = await exporting();
      const counter = await Counter.start(network, service.url);
      const wrk = startWrk(network, { seconds: 50, connections: 8 });
      await service.statsWhen((stats) => spansOf(stats).exported > 1000);
      await collector.die();
      const dead = await service.statsWhen((stats) => (spansOf(stats).dropped.export_failed ?? 0) > 0);
      expectBalanced(dead);
      const [status, receipt] = await syncExport(service);
      expect([status, receipt.balanced]).toEqual([504, true]);
      const again = await Collector.start(network, collector.port);
      await service.statsWhen((stats) => spansOf(stats).exported > spansOf(dead).exported);
      await wrk.stop("SIGINT");

      const { stats } = await expectAllAccounted(service, server, counter);
      expectSettled(stats);
      // What was on its way to the first one may still be given up meanwhile, and then that answer is 504, too.
      while ((await syncExport(service))[0] !== 200) expectBalanced(await service.stats());
      const after = await service.stats();
      expectSettled(after);
      const { delivered, exported, dropped, queued } = spansOf(after);
      expect(exported + sumOf(dropped)).toBe(delivered);
      expect(queued).toBe(0);
      expect((await again.report()).taken).toBeLessThanOrEqual(exported);
      expect((await again.report()).taken).toBeGreaterThan(0);
    },
    LIMIT_MILLIS,
  );

  test(
    "for the whole of a load: the span queue stays at its limit, what did not fit is counted, subscribers lose nothing",
    async () => {
      const { network, collector, service, server } = await exporting();
      const counter = await Counter.start(network, service.url);
      await collector.will({ do: "hang" });
      await runWrk(network, { seconds: 3, connections: 8 });
      const during = await service.stats();
      expectBalanced(during);
      const { stats, receipt } = await expectAllAccounted(service, server, counter);
      expectSettled(stats);
      const { delivered, exported, queued, dropped } = spansOf(stats);
      expect([exported, delivered]).toEqual([0, receipt.protocols.http?.delivered ?? 0]);
      // What waits, and what is under way.
      expect(queued).toBeLessThanOrEqual(QUEUE + 16 * 512);
      expect(dropped.queue_full).toBeGreaterThan(0);
      expect(await service.stop()).toBe(0);
    },
    LIMIT_MILLIS,
  );
});
