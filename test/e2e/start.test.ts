import { afterEach, describe, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { SOCKETS_PER_DEVICE } from "./support/attach.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { CLI, NO_SPANS, Service } from "./support/service.ts";

const LIMIT_MILLIS = 20_000;
const KERNELCAST = [process.execPath, CLI];

/** The user nobody, with these capabilities and no others. */
function nobody(...capabilities: string[]): string[] {
  const set = ["-all", ...capabilities.map((name) => `+${name}`)].join(",");
  const sets = ["inh-caps", "ambient-caps", "bounding-set"].map((name) => `--${name}=${set}`);
  return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...sets, "--"];
}

describeKernel("starting", () => {
  afterEach(endAll);

  test(
    "a second instance on the same port says so in one line, ends with 2 and leaves the first alone",
    async () => {
      const network = await Network.open();
      const first = await Service.start(network);
      const second = network.start([...KERNELCAST, "serve", `--port=${first.port}`], NO_SPANS);
      expect(await second.outcome()).toEqual({
        stdout: "",
        stderr: `kernelcast: port ${first.port} on 127.0.0.1 is in use, perhaps by another Kernelcast; choose another with --port\n`,
        exitCode: 2,
      });
      expect(network.packetSockets()).toBe(SOCKETS_PER_DEVICE);
      expect(await first.sync()).toMatchObject({ balanced: true });
    },
    LIMIT_MILLIS,
  );

  test(
    "two instances on two ports both see everything",
    async () => {
      const network = await Network.open();
      const services = [await Service.start(network), await Service.start(network)];
      const subscribers = await Promise.all(services.map((service) => service.subscribe()));
      const target = await Service.start(network);
      await target.get("/healthz");
      for (const [index, service] of services.entries()) {
        const { id } = await service.sync();
        await subscribers[index]?.synced(id);
        const seen = subscribers[index]?.events.filter(({ server }) => server.port === target.port);
        expect(seen?.map(({ method, path, status }) => [method, path, status])).toEqual([["GET", "/healthz", 200]]);
      }
    },
    LIMIT_MILLIS,
  );

  test(
    "CAP_BPF, CAP_PERFMON and CAP_NET_RAW are all it needs: it runs as nobody, sees a request and ends with 0",
    async () => {
      const network = await Network.open();
      const process = network.start(
        [...nobody("bpf", "perfmon", "net_raw"), ...KERNELCAST, "serve", "--port=0"],
        NO_SPANS,
      );
      const [, url = ""] = await process.match(/page +(http:\/\/\S+:\d+)\/\n/);
      const target = await Service.start(network);
      await target.get("/healthz");
      const answer = await network.output("curl", "--silent", "-X", "POST", `${url}/sync`);
      expect(JSON.parse(answer)).toMatchObject({ protocols: { http: { observed: 1, delivered: 1 } }, balanced: true });
      expect(await process.stop("SIGTERM")).toBe(0);
    },
    LIMIT_MILLIS,
  );

  describe("without what it needs, it names the refused step and the remedy, without a stack, and ends with 2", () => {
    const refusals: [string, string[], RegExp][] = [
      ["no capability at all", [], /^kernelcast: the kernel refused the eBPF programs: Operation not permitted/],
      [
        "no CAP_BPF",
        ["perfmon", "net_raw"],
        /^kernelcast: the kernel refused the eBPF programs: Operation not permitted/,
      ],
      [
        "no CAP_PERFMON",
        ["bpf", "net_raw"],
        /^kernelcast: the kernel refused the eBPF programs: Operation not permitted/,
      ],
      [
        "no CAP_NET_RAW",
        ["bpf", "perfmon"],
        /^kernelcast: cannot attach the filter to packet sockets: Operation not permitted/,
      ],
    ];
    test.each(refusals)(
      "%s",
      async (_name, capabilities, message) => {
        const network = await Network.open();
        const process = network.start([...nobody(...capabilities), ...KERNELCAST, "serve", "--port=0"], NO_SPANS);
        const { stdout, stderr, exitCode } = await process.outcome();
        expect([stdout, exitCode]).toEqual(["", 2]);
        expect(stderr).toMatch(message);
        const lines = stderr.trimEnd().split("\n");
        const missing = ["bpf", "perfmon", "net_raw"].filter((name) => !capabilities.includes(name));
        expect(lines.slice(1, -1).map((line) => line.split(".")[0])).toEqual(
          missing.map((name) => expect.stringMatching(new RegExp(`^CAP_${name.toUpperCase()}: missing; it .*$`))),
        );
        expect(lines.slice(1, -1).every((line) => line.includes("Run as root, or give it: "))).toBe(true);
        expect(lines.at(-1)).toBe('"kernelcast doctor" shows everything that is needed.');
      },
      LIMIT_MILLIS,
    );
  });

  test(
    "doctor ends with 0 as root",
    async () => {
      const { stdout, stderr, exitCode } = await (await Network.open()).start([...KERNELCAST, "doctor"]).outcome();
      expect([exitCode, stderr]).toEqual([0, ""]);
      expect(stdout).toEndWith("Kernelcast works here.\n");
      expect(stdout).not.toMatch(/^no /m);
    },
    LIMIT_MILLIS,
  );

  test(
    "doctor ends with 2 as nobody, and names each missing capability with its remedy",
    async () => {
      const { stdout, stderr, exitCode } = await (await Network.open())
        .start([...nobody(), ...KERNELCAST, "doctor"])
        .outcome();
      expect([exitCode, stderr]).toEqual([2, ""]);
      for (const name of ["CAP_BPF", "CAP_PERFMON", "CAP_NET_RAW"])
        expect(stdout).toMatch(new RegExp(`^no +${name} +missing; .*\\n +→ Run as root, or give it: `, "m"));
    },
    LIMIT_MILLIS,
  );
});
