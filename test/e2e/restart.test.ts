import { afterEach, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { SOCKETS_PER_DEVICE } from "./support/attach.ts";
import type { BpfIds } from "./support/bpf-ids.ts";
import { endAll, run } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { Service } from "./support/service.ts";

const TIMES = 20;
const LIMIT_MILLIS = 60_000;
/** A leak of one of these per capture would show as twenty. */
const THREADS_OF_THE_RUNTIME = 8;
/** The runtime's own heap grows and shrinks by some; the shared rings of the captures would be 16 MiB each. */
const MEMORY_KIB = 80 * 1024;

interface Holdings {
  files: number;
  threads: number;
  pumps: number;
  kernelMappings: number;
  virtualKib: number;
  held?: { ids: BpfIds; pumps: number; kernelMappings: number };
}

/** Which of these the kernel still has. It frees programs and maps a little after their last user is gone. */
async function remaining(ids: BpfIds[]): Promise<string[]> {
  const found: string[] = [];
  for (const kind of ["prog", "map", "link"] as const) {
    const { stdout } = await run(["bpftool", "-j", kind, "show"]);
    const present = new Set((JSON.parse(stdout) as { id: number }[]).map(({ id }) => id));
    for (const id of ids.flatMap((one) => one[kind])) if (present.has(id)) found.push(`${kind} ${id}`);
  }
  return found;
}

async function untilGone(ids: BpfIds[]): Promise<void> {
  while ((await remaining(ids)).length > 0);
}

describeKernel(`started and ended ${TIMES} times`, () => {
  afterEach(endAll);

  test.each([
    ["stopped", "a capture that is stopped and closed"],
    ["closed", "a capture that is closed while it runs"],
    ["opened", "a capture that is closed before it starts"],
  ])(
    "(%s) %s leaves no program, map, link, socket, file, thread or mapping in its process",
    async (ending) => {
      const network = await Network.open();
      const cycles: Holdings[] = [];
      const child = network.program("captures", [String(TIMES), ending], (line) => cycles.push(JSON.parse(line)));
      expect(await child.outcome()).toMatchObject({ exitCode: 0, stderr: "" });
      const [first, second, ...later] = cycles as [Holdings, Holdings, ...Holdings[]];
      expect(later.length).toBe(TIMES - 1);

      for (const { held } of [second, ...later]) {
        expect(held?.pumps).toBe(ending === "opened" ? 0 : 1);
        expect(held?.kernelMappings).toBeGreaterThan(0);
        expect(held?.ids.prog.length).toBeGreaterThan(0);
        expect(held?.ids.map.length).toBeGreaterThan(0);
        expect(held?.ids.link.length === 0).toBe(ending === "opened");
      }
      expect(first).toMatchObject({ pumps: 0, kernelMappings: 0 });
      for (const { files, pumps, kernelMappings, threads, virtualKib } of later) {
        expect({ files, pumps, kernelMappings }).toEqual({ files: second.files, pumps: 0, kernelMappings: 0 });
        expect(threads).toBeLessThan(second.threads + THREADS_OF_THE_RUNTIME);
        expect(virtualKib).toBeLessThan(second.virtualKib + MEMORY_KIB);
      }
      expect(network.packetSockets()).toBe(0);
      await untilGone([second, ...later].flatMap(({ held }) => held?.ids ?? []));
    },
    LIMIT_MILLIS,
  );

  test(
    "the service leaves no program, map, link or socket, and works each time",
    async () => {
      const network = await Network.open();
      const used: BpfIds[] = [];
      for (let time = 0; time < TIMES; time++) {
        const service = await Service.start(network);
        used.push(service.ids());
        expect(network.packetSockets()).toBe(SOCKETS_PER_DEVICE);
        expect(await service.sync()).toMatchObject({ id: 1, balanced: true });
        expect(await service.stop(time % 2 === 0 ? "SIGTERM" : "SIGINT")).toBe(0);
        expect(network.packetSockets()).toBe(0);
      }
      expect(used.filter(({ prog, map, link }) => [prog, map, link].some((list) => list.length === 0))).toEqual([]);
      await untilGone(used);
    },
    LIMIT_MILLIS,
  );

  test(
    "a service that is killed leaves nothing either",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network);
      const ids = service.ids();
      await service.stop("SIGKILL");
      expect(network.packetSockets()).toBe(0);
      await untilGone([ids]);
    },
    LIMIT_MILLIS,
  );
});
