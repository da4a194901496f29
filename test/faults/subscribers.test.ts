import { afterEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders, startNginx, temporaryFolder } from "../e2e/support/nginx.ts";
import { Service } from "../e2e/support/service.ts";
import { describeKernel } from "../kernel.ts";
import { expectSettled } from "./support/ledger.ts";
import { program } from "./support/own.ts";
import type { CrowdReport } from "./support/programs/crowd.ts";

const LIMIT_MILLIS = 180_000;
const LOAD_SECONDS = 10;
/** Some 20,000 requests a second, if the machine has the time. */
const CONNECTIONS = 52;
const WRK_SCRIPT = `
local requests, letters, at = {}, {"a", "b", "c", "d", "e"}, 0
function init()
  for i = 0, 4999 do
    local path = "/" .. letters[i % 5 + 1] .. "/" .. math.floor(i / 5) % 100 .. "/" .. i % 7
    requests[i] = wrk.format(i % 4 == 0 and "POST" or "GET", path)
  end
end
function request() at = at + 1; return requests[(at * 7919) % 5000] end
function delay() return 2 end`;
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

const residentMib = (pid: number) =>
  Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)?.[1]) / 1024;

describeKernel("500 subscribers, each with another filter, of which 50 read nothing and 50 come and go", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  test(
    "each sees exactly what its filter selects but for what it is told of; the kernel drops nothing, and memory is bounded",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network, { flags: FLAGS });
      await startNginx(network, NGINX);
      const script = join(temporaryFolder(), "requests.lua");
      writeFileSync(script, WRK_SCRIPT);
      let report: CrowdReport | undefined;
      const crowd = program(network, "crowd", [service.url], (line) => {
        said.push(line);
        if (line.startsWith("{")) report = JSON.parse(line);
      });
      const said: string[] = [];
      await crowd.until(() => said.includes("ready"));

      const sizes = ["--threads=1", `--connections=${CONNECTIONS}`, `--duration=${LOAD_SECONDS}s`];
      const { stdout } = await network.start(["wrk", ...sizes, "--script", script, "http://127.0.0.1:8080/"]).outcome();
      expect(stdout).toMatch(/Requests\/sec/);
      const resident = residentMib(service.process.pid);
      crowd.say("stop");
      await crowd.until(() => said.includes("stopped"));
      const { id, balanced, protocols } = await service.sync();
      crowd.say(`settle ${id}`);
      await crowd.until(() => report !== undefined);

      expect(report?.faults).toEqual([]);
      expect(report?.subscribers).toBe(501);
      expect(report?.events).toBe(protocols.http?.delivered as number);
      expect(report?.announcedToStalled).toBeGreaterThan(10_000);
      expect(report?.reconnects).toBeGreaterThan(100);
      expect(report?.resumed).toBeGreaterThan(100);
      expect(protocols.http?.dropped).toEqual({});
      expect(balanced).toBe(true);
      expect(resident).toBeLessThan(RESIDENT_MAX_MIB);
      const stats = await service.statsWhen(({ subscribers }) => subscribers.total.queued === 0);
      expectSettled(stats);
    },
    LIMIT_MILLIS,
  );
});
