import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { Service } from "./support/service.ts";

const SECONDS = 10;
const CPU_MAX = 0.02;
const LIMIT_MILLIS = 30_000;

/** Seconds of CPU that a process has used: utime and stime of proc(5), in ticks of a hundredth. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

describeKernel("idle", () => {
  afterAll(endAll);

  test(
    `for ${SECONDS} s it uses less than ${CPU_MAX * 100} % of a core, and tells its subscriber nothing`,
    async () => {
      const network = await Network.open();
      const service = await Service.start(network, { env: {} });
      const subscriber = await service.subscribe();
      await service.sync();
      const [frames, cpu, began] = [subscriber.frames.length, cpuSeconds(service.process.pid), performance.now()];
      // Not a wait for a condition: the time itself is what is measured.
      await Bun.sleep(SECONDS * 1000);
      const share = (cpuSeconds(service.process.pid) - cpu) / ((performance.now() - began) / 1000);
      expect(share).toBeLessThan(CPU_MAX);
      expect(subscriber.frames.slice(frames)).toEqual([]);
    },
    LIMIT_MILLIS,
  );
});
