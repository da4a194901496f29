import { afterEach, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx } from "./support/nginx.ts";
import { Service } from "./support/service.ts";
import type { Subscriber } from "./support/subscriber.ts";

const LIMIT_MILLIS = 30_000;
const HTTP = "server { listen 80; listen [::]:80; location / { return 200 hello; } }";

/** The service's network, and a client's and a server's that reach one another only through it. */
async function threeNetworks() {
  const [host, client, server] = await Promise.all([Network.open(), Network.open(), Network.open()]);
  await startNginx(server, HTTP);
  return { host, client, server };
}

async function joinByBridge(host: Network, client: Network, server: Network): Promise<void> {
  await host.output("ip", "link", "add", "bridge0", "type", "bridge");
  await host.output("ip", "link", "set", "bridge0", "up");
  for (const [index, [name, other]] of [["client0", client] as const, ["server0", server] as const].entries()) {
    await host.link(name, other);
    await host.output("ip", "link", "set", name, "master", "bridge0", "up");
    await other.address(name, `10.1.0.${index + 1}/24`);
    await other.address(name, `fd00::${index + 1}/64`);
  }
}

async function joinByRoute(host: Network, client: Network, server: Network): Promise<void> {
  await host.output("sysctl", "-q", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
  for (const [index, [name, other]] of [["client0", client] as const, ["server0", server] as const].entries()) {
    await host.link(name, other);
    await host.address(name, `10.1.${index + 1}.254/24`);
    await host.address(name, `fd00:${index + 1}::fe/64`);
    await other.address(name, `10.1.${index + 1}.${index + 1}/24`);
    await other.address(name, `fd00:${index + 1}::${index + 1}/64`);
    await other.output("ip", "route", "add", "default", "via", `10.1.${index + 1}.254`);
    await other.output("ip", "-6", "route", "add", "default", "via", `fd00:${index + 1}::fe`);
  }
}

/** Every device of the service's network is watched by now. */
async function watched(service: Service): Promise<void> {
  const devices = JSON.parse(await service.network.output("ip", "-j", "link", "show")) as unknown[];
  while (service.network.packetSockets() < devices.length) await Bun.sleep(1);
}

async function eventsOf(service: Service, subscriber: Subscriber) {
  const { id } = await service.sync();
  await subscriber.synced(id);
  return subscriber.eventsByStart.map(({ client, server, method, path, status, outcome }) => ({
    from: client.address,
    to: `${server.address} ${server.port}`,
    what: `${method} ${path} ${status} ${outcome}`,
  }));
}

describeKernel("traffic between namespaces", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  const ways = [
    ["a bridge", joinByBridge, "10.1.0.1", "10.1.0.2", "fd00::1", "fd00::2"],
    ["a router", joinByRoute, "10.1.1.1", "10.1.2.2", "fd00:1::1", "fd00:2::2"],
  ] as const;
  for (const when of ["before", "after"] as const) {
    test.each(ways)(
      `that crosses several devices of the host through %s, made ${when} the start, is one event`,
      async (_name, join, client4, server4, client6, server6) => {
        const { host, client, server } = await threeNetworks();
        if (when === "before") await join(host, client, server);
        const service = await Service.start(host);
        const subscriber = await service.subscribe();
        if (when === "after") await join(host, client, server);
        await watched(service);
        const get = ["curl", "--silent", "--show-error", "--output", "/dev/null", "--max-time", "10", "--retry", "5"];
        await client.output(...get, `http://${server4}/four`);
        await client.output(...get, `http://[${server6}]/six`);
        expect(await eventsOf(service, subscriber)).toEqual([
          { from: client4, to: `${server4} 80`, what: "GET /four 200 complete" },
          { from: client6, to: `${server6} 80`, what: "GET /six 200 complete" },
        ]);
        expect((await service.stats()).imbalances).toEqual([]);
      },
      LIMIT_MILLIS,
    );
  }

  test(
    "a device that goes is let go, and the others are still watched",
    async () => {
      const [host, other] = [await Network.open(), await Network.open()];
      const service = await Service.start(host);
      const subscriber = await service.subscribe();
      for (let time = 0; time < 5; time++) {
        await host.link("wire0", other);
        await watched(service);
        expect(host.packetSockets()).toBe(2);
        await host.output("ip", "link", "delete", "wire0");
        while (host.packetSockets() > 1) await Bun.sleep(1);
      }
      await startNginx(host, "server { listen 127.0.0.1:80; return 204; }");
      await host.output("curl", "--silent", "http://127.0.0.1/after");
      expect(await eventsOf(service, subscriber)).toEqual([
        { from: "127.0.0.1", to: "127.0.0.1 80", what: "GET /after 204 complete" },
      ]);
    },
    LIMIT_MILLIS,
  );
});
