import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Stats } from "../../server/schema.ts";
import { endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders } from "../e2e/support/nginx.ts";
import { Counter } from "../e2e/support/subscriber.ts";
import { describeKernel, kernelSkipReason } from "../kernel.ts";
import { cgroupSkipReason, MemoryCgroup } from "./support/cgroup.ts";
import { Collector } from "./support/collector.ts";
import { expectSettled } from "./support/ledger.ts";
import { LimitedService } from "./support/limited-service.ts";
import { expectAllAccounted, runWrkUntil, Server } from "./support/load.ts";
import { program } from "./support/own.ts";

/** The service with every queue of its default size full takes about 140. */
const LIMIT_MIB = 256;
const LIMIT_MILLIS = 90_000;
const EATEN_MIB = 1024;

const reason = kernelSkipReason() === undefined ? cgroupSkipReason() : undefined;
const describeCgroup = reason
  ? (name: string, body: () => void) => describe.skip(`${name} [skipped: ${reason}]`, body)
  : describeKernel;

describeCgroup(`in a cgroup of ${LIMIT_MIB} MiB`, () => {
  let cgroup: MemoryCgroup | undefined;
  let folder: string | undefined;

  afterEach(async () => {
    await endAll();
    removeFolders();
    if (folder !== undefined) rmSync(folder, { recursive: true });
    folder = undefined;
    cgroup?.remove();
    cgroup = undefined;
  });

  /** Reads a file without end into the page cache of the cgroup, so that each further page must be taken from another. */
  function eatMemory(network: Network, cgroup: MemoryCgroup): void {
    // Not in /tmp, which may be memory itself. The file is one hole: nothing is read from a disk.
    folder = mkdtempSync("/var/tmp/kernelcast-faults-");
    const file = join(folder, "hole");
    writeFileSync(file, "");
    truncateSync(file, EATEN_MIB * 1024 * 1024);
    const argv = ["nice", "-n", "19", "sh", "-c", 'exec cat "$@" > /dev/null', "cat"];
    network.start(cgroup.inside([...argv, ...Array.from({ length: 1000 }, () => file)]));
  }

  test.each([
    ["", false],
    [", with another process there that takes all memory it can have", true],
  ])(
    "a load, a subscriber that never reads and a collector that hangs do not kill it, and all is accounted for%s",
    async (_name, pressed) => {
      const network = await Network.open();
      const collector = await Collector.start(network);
      await collector.will({ do: "hang" });
      cgroup = new MemoryCgroup(`kernelcast-test-${process.pid}`, LIMIT_MIB);
      const service = await LimitedService.start(network, cgroup, {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
      });
      const server = await Server.start(network);
      const laggard = program(network, "laggard", [service.url]);
      await laggard.match(/stalled/);
      const counter = await Counter.start(network, service.url);
      if (pressed) eatMemory(network, cgroup);
      const queuesFull = ({ subscribers, spans }: Stats) =>
        [subscribers.subscribers[0]?.dropped, spans?.dropped].every((dropped) => (dropped?.queue_full ?? 0) > 0);
      await runWrkUntil(network, service, { seconds: 6, connections: 32 }, queuesFull);
      const { receipt, stats } = await expectAllAccounted(service, server, counter);
      expectSettled(stats);
      expect(receipt.balanced).toBe(true);
      expect({ kills: cgroup.kills, limitMet: cgroup.limitMet > 0 }).toEqual({ kills: 0, limitMet: pressed });
    },
    LIMIT_MILLIS,
  );
});
