import { afterEach, expect, test } from "bun:test";
import { endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders } from "../e2e/support/nginx.ts";
import { Service } from "../e2e/support/service.ts";
import { describeKernel } from "../kernel.ts";
import { expectSettled } from "./support/ledger.ts";
import { PORT, Server, startWrk } from "./support/load.ts";
import { program } from "./support/own.ts";
import type { RoundsReport } from "./support/programs/rounds.ts";

const ROUNDS = 1000;
const LIMIT_MILLIS = 180_000;

describeKernel(`${ROUNDS} rounds of requests and POST /sync, each with up to 8 further syncs`, () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  test.each([
    ["without other traffic", 0],
    ["while wrk loads the same server over 4 connections", 4],
    ["while wrk loads the same server over 32 connections", 32],
  ])(
    "%s: before each sync frame came exactly the requests answered before it",
    async (_name, connections) => {
      const network = await Network.open();
      const service = await Service.start(network);
      await Server.start(network);
      const load = connections > 0 ? startWrk(network, { seconds: 600, connections }) : undefined;
      const rounds = program(network, "rounds", [service.url, `http://127.0.0.1:${PORT}`, String(ROUNDS), "7"]);
      const { stdout, stderr, exitCode } = await rounds.outcome();
      expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
      const report = JSON.parse(stdout) as RoundsReport;
      expect(load?.ended ?? false).toBe(false);
      await load?.stop();
      expect(report.faults).toEqual([]);
      expect(report.requests).toBeGreaterThan(ROUNDS);
      expect(report.shared).toBeGreaterThan(0);
      expect(report.background > 0).toBe(connections > 0);

      await service.sync();
      const stats = await service.stats();
      expectSettled(stats);
      expect(stats.protocols.http).toMatchObject({ dropped: {} });
    },
    LIMIT_MILLIS,
  );
});
