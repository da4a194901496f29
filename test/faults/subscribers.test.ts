import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Child, endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders, startNginx, temporaryFolder } from "../e2e/support/nginx.ts";
import { Service } from "../e2e/support/service.ts";
import { describeKernel } from "../kernel.ts";
import { Crowd, expectAllToldAll } from "./support/crowd.ts";
import { FloodedService } from "./support/flood.ts";
import { expectSettled } from "./support/ledger.ts";
import { ownProgram } from "./support/own.ts";
import type { MakerReport } from "./support/programs/maker.ts";

const LIMIT_MILLIS = 180_000;
const LOAD_SECONDS = 10;
/** Some 12,000 requests a second where two CPUs are all there is for load, server, service and subscribers. */
const CONNECTIONS = 64;
const MADE_PER_SECOND = 20_000;
const WRK_SCRIPT = `
local requests, letters, at = {}, {"a", "b", "c", "d", "e"}, 0
function init()
  for i = 0, 4999 do
    local path = "/" .. letters[i % 5 + 1] .. "/" .. math.floor(i / 5) % 100 .. "/" .. i % 7
    requests[i] = wrk.format(i % 3 == 0 and "POST" or "GET", path)
  end
end
function request() at = at + 1; return requests[(at * 7919) % 5000] end
function delay() return 1 end`;
const NGINX = `keepalive_requests 100000000;
server { listen 127.0.0.1:8080 backlog=4096; location /a { return 200; } location /b { return 404; }
  location /c { return 500; } location /d { return 204; } location / { return 301; } }`;
/**
 * A queue of a second for who falls behind because the machine has other things to do, and a ring of a second in front of the
 * service for when it has itself; what is stalled fills any queue.
 */
const FLAGS = ["--queue-max=20000", "--ring-kib=16384", "--heartbeat-seconds=1"];
/** All queues together may hold 128 MiB, the history 32 MiB; the rest is the process itself and the garbage of the load. */
const RESIDENT_MAX_MIB = 500;

/** At its most so far. */
const residentMib = (pid: number) =>
  Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmHWM:\s+(\d+)/)?.[1]) / 1024;

describe("500 subscribers, each with another filter, of which 50 read nothing and 50 come and go", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  test(
    "each sees exactly what its filter selects but for what it is told of, at 20,000 events a second; memory is bounded",
    async () => {
      const said: string[] = [];
      const maker = new Child([process.execPath, ownProgram("maker")], {}, (line) => said.push(line));
      await maker.until(() => said.length > 0);
      const crowd = await Crowd.gather((argv, onLine) => new Child(argv, {}, onLine), said[0] as string);
      maker.say(`make ${MADE_PER_SECOND} ${LOAD_SECONDS}`);
      await maker.until(() => said.length > 1);
      const { made, balanced, residentMib } = JSON.parse(said[1] as string) as MakerReport;
      await crowd.stop();
      maker.say("sync");
      expectAllToldAll(await crowd.report(1), made, made);
      expect(made).toBeGreaterThanOrEqual(MADE_PER_SECOND * LOAD_SECONDS);
      expect(balanced).toBe(true);
      expect(residentMib).toBeLessThan(RESIDENT_MAX_MIB);
    },
    LIMIT_MILLIS,
  );
});

describeKernel("the same 500 on the real kernel", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  /** @param load resolves to how many of the events it made were numbered */
  async function expectAllTold(service: Service, load: () => Promise<number>): Promise<void> {
    const crowd = await Crowd.gather((argv, onLine) => service.network.start(argv, {}, onLine), service.url);
    const numbered = await load();
    await crowd.stop();
    const { id, balanced, protocols } = await service.sync();
    const { observed = 0, delivered = 0, dropped } = protocols.http ?? {};
    expectAllToldAll(await crowd.report(id), delivered, numbered);
    expect(dropped).toEqual({});
    expect(delivered).toBe(observed);
    expect(balanced).toBe(true);
    expectSettled(await service.statsWhen(({ subscribers }) => subscribers.total.queued === 0));
    expect(residentMib(service.process.pid)).toBeLessThan(RESIDENT_MAX_MIB);
  }

  test(
    "lose nothing else either, as fast as wrk and nginx go beside it; the kernel drops nothing, and memory is bounded",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network, { flags: FLAGS });
      await startNginx(network, NGINX);
      const script = join(temporaryFolder(), "requests.lua");
      writeFileSync(script, WRK_SCRIPT);
      const sizes = ["--threads=1", `--connections=${CONNECTIONS}`, `--duration=${LOAD_SECONDS}s`];
      await expectAllTold(service, async () => {
        const wrk = network.start(["wrk", ...sizes, "--script", script, "http://127.0.0.1:8080/"]);
        expect((await wrk.outcome()).stdout).toMatch(/Requests\/sec/);
        return 0;
      });
    },
    LIMIT_MILLIS,
  );

  test(
    "nor at 20,000 events a second, made by a BPF program; the kernel drops nothing, and memory is bounded",
    async () => {
      const flooded = await FloodedService.start(await Network.open(), FLAGS);
      await expectAllTold(flooded.service, async () => {
        const made = await flooded.flood(MADE_PER_SECOND, LOAD_SECONDS);
        console.log(`${made} events were made in ${LOAD_SECONDS} s`);
        expect(made).toBeGreaterThan(MADE_PER_SECOND * LOAD_SECONDS * 0.9);
        return made;
      });
    },
    LIMIT_MILLIS,
  );
});
