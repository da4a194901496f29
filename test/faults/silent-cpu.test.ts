import { afterEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { endAll, output } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders, temporaryFolder } from "../e2e/support/nginx.ts";
import { Service } from "../e2e/support/service.ts";
import { describeKernel } from "../kernel.ts";
import { CPU, pin, pinned } from "./support/cpus.ts";
import { expectBalanced, expectSettled, sumOf } from "./support/ledger.ts";
import { PORT, Server } from "./support/load.ts";

const SOURCE = new URL("support/programs/hold_flush.c", import.meta.url).pathname;
const CPUS = [0, 1].filter((cpu) => existsSync(`/sys/devices/system/cpu/cpu${cpu}`));
const LIMIT_MILLIS = 40_000;
/** Of what a barrier waits for at most, a second, with room for a busy machine. */
const ANSWER_MILLIS = 10_000;

async function buildHold(): Promise<string> {
  const program = join(temporaryFolder(), "hold_flush");
  await output(["cc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", program, SOURCE, "-lbpf"]);
  return program;
}

/** The map of its pages' state, by the number under which the kernel knows it. */
async function stateMap(service: Service): Promise<string> {
  const maps = JSON.parse(await output(["bpftool", "-j", "map", "show"])) as { id: number; name?: string }[];
  const own = service.ids().map;
  return String(maps.find(({ id, name }) => name === "http_state" && own.includes(id))?.id);
}

const frameOf = (id: number) => (frame: { type: string; id?: number }) => frame.type === "sync" && frame.id === id;

describeKernel("a CPU that does not answer", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  test.each(CPUS)(
    "(CPU %i) is named by POST /sync and by the sync frame; afterwards the next barrier is whole and brings what was left",
    async (cpu) => {
      const network = await Network.open();
      const service = await Service.start(network);
      await Server.start(network);
      const subscriber = await service.subscribe();
      const hold = await buildHold();
      const map = await stateMap(service);
      const get = (path: string) =>
        network.output("taskset", "--cpu-list", String(cpu), "curl", "--silent", `http://127.0.0.1:${PORT}${path}`);
      const status = async () => {
        const format = ["--output", "/dev/null", "--write-out", "%{http_code}"];
        return network.output("curl", "--silent", ...format, "-X", "POST", `${service.url}/sync`);
      };

      await get("/before");
      expect(await service.sync()).toMatchObject({ id: 1, balanced: true });
      await output([hold, map, String(cpu), "1"]);
      await get("/held");
      const began = performance.now();
      const partial = await service.sync();
      expect(performance.now() - began).toBeLessThan(ANSWER_MILLIS);
      expect(partial).toMatchObject({ id: 2, missingCpus: [cpu], balanced: true });
      expect(await status()).toBe("504");
      expect(await subscriber.until(frameOf(2))).toEqual({ type: "sync", id: 2, missingCpus: [cpu] });
      const stats = await service.stats();
      expectBalanced(stats);
      const { observed = 0, delivered = 0, pending = 0 } = stats.protocols.http ?? {};
      expect([observed, delivered + pending]).toEqual([2, 2]);

      await output([hold, map, String(cpu), "0"]);
      const whole = await service.sync();
      expect(whole.missingCpus).toBeUndefined();
      expect(whole).toMatchObject({ id: 4, balanced: true, protocols: { http: { observed: 2, delivered: 2 } } });
      expect(await subscriber.until(frameOf(4))).toEqual({ type: "sync", id: 4 });
      expect(subscriber.events.map(({ path }) => path)).toEqual(["/before", "/held"]);
      expect(await status()).toBe("200");
      expectSettled(await service.stats());
    },
    LIMIT_MILLIS,
  );

  test.skipIf(CPUS.length < 2)(
    "is no reason to make the others wait: what came on them is delivered by the same barrier",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network);
      const server = await Server.start(network);
      const subscriber = await service.subscribe();
      const hold = await buildHold();
      await output([hold, await stateMap(service), "0", "1"]);
      await pin(server.process.pid);
      await network.output(...pinned("curl", "--silent", `${server.url}/other`));
      const { id, missingCpus } = await service.sync();
      await subscriber.synced(id);
      expect(missingCpus).toEqual([0]);
      expect(subscriber.events.map(({ path, cpu }) => [path, cpu])).toEqual([["/other", CPU]]);
      expect(await service.stop()).toBe(0);
    },
    LIMIT_MILLIS,
  );

  test.skipIf(CPUS.length < 2)(
    "costs those that are busy nothing: they answer, and their rings are emptied while it is waited for",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network);
      const server = await Server.start(network);
      const hold = await buildHold();
      await output([hold, await stateMap(service), "0", "1"]);
      await pin(server.process.pid);
      const wrk = network.start(pinned("wrk", "--threads=1", "--connections=16", "--duration=30s", server.url));
      await service.statsWhen(({ protocols }) => (protocols.http?.delivered ?? 0) > 1000);
      for (let time = 0; time < 3; time++) expect((await service.sync()).missingCpus).toEqual([0]);
      await wrk.stop("SIGINT");
      const stats = await service.stats();
      expectBalanced(stats);
      const { delivered = 0, dropped = {} } = stats.protocols.http ?? {};
      expect(sumOf(dropped)).toBeLessThan(delivered / 2);
    },
    LIMIT_MILLIS,
  );
});
