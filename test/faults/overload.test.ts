import { afterEach, expect, test } from "bun:test";
import { endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders } from "../e2e/support/nginx.ts";
import { Service } from "../e2e/support/service.ts";
import { Counter } from "../e2e/support/subscriber.ts";
import { describeKernel } from "../kernel.ts";
import { expectSettled, sumOf } from "./support/ledger.ts";
import { expectAllAccounted, runWrk, Server, startWrk } from "./support/load.ts";

const SECONDS = 3;
const LIMIT_MILLIS = 60_000;

async function watched(...flags: string[]) {
  const network = await Network.open();
  const service = await Service.start(network, { flags });
  const server = await Server.start(network);
  const counter = await Counter.start(network, service.url);
  return { network, service, server, counter };
}

describeKernel("too small, or too late", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  test.each([16, 64])(
    "with rings of %i KiB everything that nginx served is delivered, or dropped as pages_full",
    async (kib) => {
      const { network, service, server, counter } = await watched(`--ring-kib=${kib}`);
      await runWrk(network, { seconds: SECONDS, connections: 32 });
      const { receipt, stats } = await expectAllAccounted(service, server, counter);
      expectSettled(stats);
      expect(receipt.balanced).toBe(true);
      const reasons = Object.keys(receipt.protocols.http?.dropped ?? {});
      // How much is too small depends on how fast the machine is just now; there is no other reason.
      expect(reasons.filter((reason) => reason !== "pages_full")).toEqual([]);
    },
    LIMIT_MILLIS,
  );

  test(
    "with a table of 64 connections the transactions of all others are dropped as table_full",
    async () => {
      const { network, service, server, counter } = await watched("--max-connections=64");
      await runWrk(network, { seconds: SECONDS, connections: 100 });
      const { receipt, stats } = await expectAllAccounted(service, server, counter);
      expectSettled(stats);
      const { delivered = 0, dropped = {} } = receipt.protocols.http ?? {};
      expect(Object.keys(dropped)).toEqual(["table_full"]);
      expect(dropped.table_full).toBeGreaterThan(0);
      expect(delivered).toBeGreaterThan(0);
    },
    LIMIT_MILLIS,
  );

  test(
    "stopped by SIGSTOP for 5 s under load, it then has everything that nginx served, or counts it as dropped",
    async () => {
      const { network, service, server, counter } = await watched();
      const wrk = startWrk(network, { seconds: 50, connections: 16 });
      await service.statsWhen(({ protocols }) => (protocols.http?.delivered ?? 0) > 1000);
      const before = await server.requests();
      process.kill(service.process.pid, "SIGSTOP");
      await Bun.sleep(5000);
      const after = await server.requests();
      process.kill(service.process.pid, "SIGCONT");
      const resumed = await service.sync();
      expect(resumed.balanced).toBe(true);
      await wrk.stop("SIGINT");
      const { receipt, stats } = await expectAllAccounted(service, server, counter);
      expectSettled(stats);
      expect(after - before).toBeGreaterThan(0);
      const { dropped = {} } = receipt.protocols.http ?? {};
      expect(Object.keys(dropped).filter((reason) => reason !== "pages_full")).toEqual([]);
      expect(sumOf(dropped)).toBeLessThan(after - before);
    },
    LIMIT_MILLIS,
  );
});
