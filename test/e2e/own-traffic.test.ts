import { afterAll, beforeAll, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx } from "./support/nginx.ts";
import { Collector } from "./support/receiver.ts";
import { Service } from "./support/service.ts";
import type { Subscriber } from "./support/subscriber.ts";

const LIMIT_MILLIS = 20_000;
const PORT = 4320;
/** Another host on the same network, as far as TCP can tell. */
const OTHER_ADDRESS = "127.0.0.2";

let network: Network;
let collector: Collector;
let service: Service;
let subscriber: Subscriber;

/** What has been seen up to now, as `address:port path`. */
async function seen(): Promise<string[]> {
  const { id } = await service.sync();
  await subscriber.synced(id);
  return subscriber.events.map(({ server, path }) => `${server.address}:${server.port} ${path}`);
}

describeKernel("Kernelcast's own traffic", () => {
  beforeAll(async () => {
    network = await Network.open();
    collector = await Collector.start(network);
    service = await Service.start(network, {
      flags: [`--port=${PORT}`],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_BSP_SCHEDULE_DELAY: "10",
        OTEL_METRIC_EXPORT_INTERVAL: "500",
      },
    });
    await startNginx(network, `server { listen ${OTHER_ADDRESS}:${PORT}; listen 127.0.0.1:8080; return 204; }`);
    subscriber = await service.subscribe();
  }, LIMIT_MILLIS);
  afterAll(async () => {
    await endAll();
    removeFolders();
  }, LIMIT_MILLIS);

  test.each(["/", "/healthz", "/readyz", "/stats", "/metrics"])(
    "GET %s of its own listener makes no event",
    async (path) => {
      const before = await seen();
      await service.get(path);
      expect(await seen()).toEqual(before);
    },
    LIMIT_MILLIS,
  );

  test(
    "a further subscription and a POST /sync make no event",
    async () => {
      const before = await seen();
      await service.subscribe();
      await service.sync();
      expect(await seen()).toEqual(before);
    },
    LIMIT_MILLIS,
  );

  test(
    "a connection to its listener that is kept makes no event with any of its requests",
    async () => {
      const before = await seen();
      await network.output("curl", "--silent", ...Array.from({ length: 20 }, () => `${service.url}/healthz`));
      expect(await seen()).toEqual(before);
    },
    LIMIT_MILLIS,
  );

  test(
    "what it exports to the collector makes no event, so that exports do not breed exports",
    async () => {
      const requests = async () => {
        const all = (await collector.report()).requests;
        return all.filter(({ path }) => path === "/v1/traces").length;
      };
      const before = await seen();
      const requestsBefore = await requests();
      await network.output("curl", "--silent", "http://127.0.0.1:8080/exported");
      await service.sync("?wait=export");
      expect(await requests()).toBe(requestsBefore + 1);
      expect(await seen()).toEqual([...before, "127.0.0.1:8080 /exported"]);
      await service.sync("?wait=export");
      expect(await requests()).toBe(requestsBefore + 1);
    },
    LIMIT_MILLIS,
  );

  test(
    "nor do the metrics that it exports, whether over a new connection or a kept one",
    async () => {
      const before = await seen();
      const metricRequests = async () => {
        const all = (await collector.report()).requests;
        return all.filter(({ path }) => path === "/v1/metrics").length;
      };
      const requestsBefore = await metricRequests();
      while ((await metricRequests()) < requestsBefore + 3);
      expect(await seen()).toEqual(before);
    },
    LIMIT_MILLIS,
  );

  test(
    "another client of the same collector is reported",
    async () => {
      const before = await seen();
      await network.output("curl", "--silent", "--output", "/dev/null", `${collector.url}elsewhere`);
      expect(await seen()).toEqual([...before, `127.0.0.1:${new URL(collector.url).port} /elsewhere`]);
    },
    LIMIT_MILLIS,
  );

  // What its listener accepts is told by port and network namespace, not yet by address.
  test(
    "another server with the same port number on another address is reported",
    async () => {
      const before = await seen();
      await network.output("curl", "--silent", `http://${OTHER_ADDRESS}:${PORT}/other`);
      expect(await seen()).toEqual([...before, `${OTHER_ADDRESS}:${PORT} /other`]);
    },
    LIMIT_MILLIS,
  );

  test(
    "the ledger knows of no more than the subscriber has seen",
    async () => {
      const events = (await seen()).length;
      const { protocols, balanced } = await service.stats();
      expect({ observed: protocols.http?.observed, balanced }).toEqual({ observed: events, balanced: true });
    },
    LIMIT_MILLIS,
  );
});
