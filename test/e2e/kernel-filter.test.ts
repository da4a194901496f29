import { afterAll, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { type CurlRequest, curlAll } from "./support/curl.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx } from "./support/nginx.ts";
import { Service } from "./support/service.ts";
import type { Subscriber } from "./support/subscriber.ts";

const LIMIT_MILLIS = 60_000;
const ALONE = { OTEL_SDK_DISABLED: "true" };
const PORTS = [8080, 8081, 8082];
const STATUSES = [200, 204, 301, 404, 410, 500, 503];
const FILTERS = [
  "?status=5xx&status=404&port=8080-8081",
  "?client=127.0.0.0/8&port=8081&path=/s/**&status=!200",
  "?server=127.0.0.1&port=8080&status=500",
];

afterAll(async () => {
  await endAll();
  removeFolders();
});

/** Everything about an event that does not tell one service from another. */
const essence = (subscriber: Subscriber) =>
  subscriber.events.map(({ method, path, status, client, server }) =>
    [method, path, status, client.address, client.port, server.port].join(" "),
  );

describeKernel("what nobody wants", () => {
  test(
    "is left out in the kernel, and every filter selects what it selects without that",
    async () => {
      const network = await Network.open();
      const [filtering, other] = [
        await Service.start(network, { env: ALONE }),
        await Service.start(network, { env: ALONE, flags: ["--no-kernel-filter"] }),
      ];
      const servers = PORTS.map((port) => `listen 127.0.0.1:${port}; listen [::1]:${port};`).join("\n");
      const locations = STATUSES.map((status) => `location = /s/${status} { return ${status}; }`).join("\n");
      await startNginx(network, `server { ${servers}\n${locations}\nlocation / { return 200; } }`);
      const subscribers = (service: Service) => Promise.all(FILTERS.map((query) => service.subscribe(query)));
      const [ours, theirs] = [await subscribers(filtering), await subscribers(other)];
      const filtered = async (service: Service) => (await service.stats()).protocols.http?.filtered ?? 0;

      // One service sees what the other is asked, which nobody wants either.
      while ((await filtered(filtering)) === 0) await other.stats();

      const everything = (): CurlRequest[] =>
        PORTS.flatMap((port) =>
          ["127.0.0.1", "[::1]"].flatMap((address) =>
            [...STATUSES.map((status) => `/s/${status}`), "/other"].map((path) => ({
              method: "GET",
              url: `http://${address}:${port}${path}`,
            })),
          ),
        );
      const happen = async () => {
        const transfers = await curlAll(network, [...everything(), ...everything(), ...everything()]);
        expect(transfers.every(({ exitcode }) => exitcode === 0)).toBe(true);
        for (const [service, members] of [[filtering, ours] as const, [other, theirs] as const]) {
          const { id, balanced } = await service.sync();
          expect(balanced).toBe(true);
          for (const member of members) await member.synced(id);
        }
      };
      const before = await filtered(filtering);
      await happen();
      for (const [index, subscriber] of ours.entries()) {
        expect(essence(subscriber).sort()).toEqual(essence(theirs[index] as Subscriber).sort());
        expect(subscriber.events.length).toBeGreaterThan(0);
        expect(subscriber.gaps).toEqual([]);
      }
      // Port 8082 alone is a third of all.
      expect((await filtered(filtering)) - before).toBeGreaterThanOrEqual(everything().length);
      expect(await filtered(other)).toBe(0);

      // Who comes and wants everything has it from its hello frame on.
      ours.push(await filtering.subscribe());
      theirs.push(await other.subscribe());
      const began = await filtered(filtering);
      await happen();
      const ofNginx = (subscriber: Subscriber) =>
        subscriber.events.filter(({ server }) => PORTS.includes(server.port)).length;
      expect(ofNginx(ours.at(-1) as Subscriber)).toBe(3 * everything().length);
      expect(ofNginx(theirs.at(-1) as Subscriber)).toBe(3 * everything().length);
      for (const index of FILTERS.keys())
        expect(essence(ours[index] as Subscriber).sort()).toEqual(essence(theirs[index] as Subscriber).sort());
      expect(await filtered(filtering)).toBe(began);
    },
    LIMIT_MILLIS,
  );

  test(
    "is not left out while spans or metrics are made of it",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network);
      await startNginx(network, "server { listen 127.0.0.1:8080; location / { return 200; } }");
      await service.subscribe("?status=5xx");
      // Long enough for it to be left out.
      const until = Date.now() + 2500;
      while (Date.now() < until) await network.output("curl", "--silent", "http://127.0.0.1:8080/");
      await service.sync();
      expect((await service.stats()).protocols.http?.filtered).toBeUndefined();
      expect(await service.get("/metrics")).toMatch(/http_server_request_duration_seconds_count\{[^}]*\} [1-9]/);
    },
    LIMIT_MILLIS,
  );
});
