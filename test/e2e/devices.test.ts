import { afterEach, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { ATTACH } from "./support/attach.ts";
import { endAll, output } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx } from "./support/nginx.ts";
import { Watch } from "./support/watch.ts";

const LIMIT_MILLIS = 30_000;
const MANY = 100;
const HTTP = "server { listen 80; listen [::]:80; location / { return 204; } }";

/** A host that is watched, and another network with a server, joined by `wire0`: 10.2.0.1 and 10.2.0.2. */
async function wired() {
  const [host, other] = await Promise.all([Network.open(), Network.open()]);
  await host.link("wire0", other);
  await address(host, other, "wire0");
  await startNginx(other, HTTP);
  return { host, other, watch: await Watch.start(host) };
}

async function address(host: Network, other: Network, device: string): Promise<void> {
  await host.address(device, "10.2.0.1/24");
  await other.address(device, "10.2.0.2/24");
}

async function get(host: Network, path: string, server = "10.2.0.2"): Promise<void> {
  const limits = ["--max-time", "10", "--retry", "5", "--retry-connrefused"];
  await host.output("curl", "--silent", "--show-error", ...limits, `http://${server}${path}`);
}

/** Nothing happens in it meanwhile, so that it meets all changes at once. */
async function whileStopped(watch: Watch, change: () => Promise<unknown>): Promise<void> {
  watch.service.process.signal("SIGSTOP");
  await change();
  watch.service.process.signal("SIGCONT");
}

describeKernel("devices that come, change and go", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  const changes: [name: string, change: (host: Network, other: Network) => Promise<unknown>][] = [
    ["is renamed", (host) => host.output("sh", "-c", "ip link set wire0 down && ip link set wire0 name wire9 up")],
    ["goes down and up", (host) => host.output("sh", "-c", "ip link set wire0 down && ip link set wire0 up")],
    [
      "goes to another network and comes back",
      async (host, other) => {
        // The other end has the name there.
        await host.output("ip", "link", "set", "wire0", "name", "wire1");
        await host.output("ip", "link", "set", "wire1", "netns", other.pid);
        await other.output("ip", "link", "set", "wire1", "netns", host.pid);
        await host.address("wire1", "10.2.0.1/24");
      },
    ],
    [
      "is followed by another of its number",
      async (host, other) => {
        const [device] = JSON.parse(await host.output("ip", "-j", "link", "show", "wire0")) as { ifindex: number }[];
        await host.output("ip", "link", "delete", "wire0");
        const peer = ["peer", "name", "wire0", "netns", other.pid];
        await host.output("ip", "link", "add", "wire0", "index", String(device?.ifindex), "type", "veth", ...peer);
        await address(host, other, "wire0");
      },
    ],
  ];
  test.each(changes)(
    "a device that %s is watched as before",
    async (_name, change) => {
      const { host, other, watch } = await wired();
      await get(host, "/before");
      await whileStopped(watch, () => change(host, other));
      await host.allWatched();
      await get(host, "/after");
      expect((await watch.summaries()).map(({ what }) => what)).toEqual([
        "GET /before 204 complete",
        "GET /after 204 complete",
      ]);
      await watch.expectNothingMissed();
    },
    LIMIT_MILLIS,
  );

  test(
    `${MANY} devices that come and go at once are watched and let go, and hold nothing up`,
    async () => {
      const { host, watch } = await wired();
      const all = Array.from({ length: MANY }, (_, index) => `pair${index}`);
      const add = all.map((name) => `link add ${name} group 7 type veth peer name ${name}x`).join("\n");
      for (let time = 0; time < 2; time++) {
        await whileStopped(watch, () => host.output("sh", "-c", `echo '${add}' | ip -batch -`));
        await host.allWatched();
        await host.output("ip", "link", "delete", "group", "7");
        // Closing a packet socket takes some 10 ms; done one by one, all of them would take a second.
        const { durationMs } = await watch.service.sync();
        expect(durationMs).toBeLessThan(500);
        await host.allWatched();
      }
      await get(host, "/after");
      expect(await watch.events()).toHaveLength(1);
      const started = performance.now();
      await watch.service.stop();
      expect(performance.now() - started).toBeLessThan(1000);
    },
    LIMIT_MILLIS,
  );

  test.skipIf(ATTACH === "cgroup")(
    "a device that finds no descriptor left is watched as soon as there is one",
    async () => {
      const { host, watch } = await wired();
      const pid = String(watch.service.process.pid);
      const limit = (count: string) => output(["prlimit", "--pid", pid, `--nofile=${count}:`]);
      await limit("3");
      await host.output("ip", "link", "add", "late0", "type", "veth", "peer", "name", "late1");
      await host.output("ip", "link", "set", "late0", "up");
      expect(host.watchedDevices()).toHaveLength(2);
      await limit("1024");
      await host.allWatched();
      expect(host.watchedDevices()).toHaveLength(4);
      expect((await watch.service.stats()).reader.sockets_refused).toBeGreaterThan(0);
      await get(host, "/after");
      expect(await watch.events()).toHaveLength(1);
    },
    LIMIT_MILLIS,
  );
});
