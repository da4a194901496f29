import { afterEach, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx } from "./support/nginx.ts";
import { Collector } from "./support/receiver.ts";
import { Service } from "./support/service.ts";

const LIMIT_MILLIS = 30_000;
const [SERVER, CLIENT] = [2, 3];
const NGINX = "server { listen 8080; location / { return 204; } location /none { return 404; } }";

interface Situation {
  network: Network;
  collector: Collector;
  service: Service;
}

describeKernel("spans and metrics of a host", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  async function watch(...flags: string[]): Promise<Situation> {
    const network = await Network.open();
    const collector = await Collector.start(network);
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_METRIC_EXPORT_INTERVAL: "300" };
    return { network, collector, service: await Service.start(network, { flags, env }) };
  }

  async function spansOf({ collector, service }: Situation, count: number) {
    await service.sync("?wait=export");
    expect((await collector.report()).received).toBe(count);
    return collector.spans;
  }

  /** Another host, on the other end of a wire, with a web server. */
  async function neighbour(network: Network): Promise<Network> {
    const other = await Network.open();
    await network.link("wire", other);
    await network.address("wire", "10.5.0.1/24");
    await other.address("wire", "10.5.0.2/24");
    await startNginx(other, NGINX);
    return other;
  }

  test(
    "where only the client is on this host the span is the client's, 4xx its error; where the server is, the server's",
    async () => {
      const situation = await watch();
      const { network } = situation;
      const other = await neighbour(network);
      await startNginx(network, NGINX);
      await network.output("curl", "--silent", "http://10.5.0.2:8080/out", "http://10.5.0.2:8080/none");
      await other.output("curl", "--silent", "http://10.5.0.1:8080/in");
      await network.output("curl", "--silent", "http://10.5.0.1:8080/within");
      const spans = await spansOf(situation, 4);
      const byPath = new Map(
        spans.map((span) => {
          const { "url.path": path, "url.full": full } = span.attributes;
          return [String(path ?? new URL(String(full)).pathname), span];
        }),
      );
      expect(byPath.get("/out")).toMatchObject({
        kind: CLIENT,
        statusCode: 0,
        attributes: {
          "url.full": "http://10.5.0.2:8080/out",
          "server.address": "10.5.0.2",
          "server.port": 8080,
          "network.peer.address": "10.5.0.2",
          "network.peer.port": 8080,
        },
      });
      expect(byPath.get("/none")).toMatchObject({ kind: CLIENT, statusCode: 2, attributes: { "error.type": "404" } });
      expect(byPath.get("/in")).toMatchObject({
        kind: SERVER,
        attributes: { "network.local.address": "10.5.0.1", "client.address": "10.5.0.2" },
      });
      expect(byPath.get("/within")?.kind).toBe(SERVER);
    },
    LIMIT_MILLIS,
  );

  test(
    "with --spans=both a transaction has two, the server's under the client's, and the ledger counts both",
    async () => {
      const situation = await watch("--spans=both");
      const { network, service } = situation;
      await startNginx(network, NGINX);
      const urls = Array.from({ length: 10 }, (_, i) => `http://127.0.0.1:8080/${i}`);
      await network.output("curl", "--silent", ...urls);
      const spans = await spansOf(situation, 20);
      const [clients, servers] = [CLIENT, SERVER].map((kind) => spans.filter((span) => span.kind === kind));
      expect([clients?.length, servers?.length]).toEqual([10, 10]);
      const parents = new Map(clients?.map((span) => [span.spanId, span]));
      for (const span of servers ?? []) {
        const parent = parents.get(span.parentSpanId);
        expect(parent?.traceId).toBe(span.traceId);
        expect(parent?.attributes["url.full"]).toBe(`http://127.0.0.1:8080${span.attributes["url.path"]}`);
      }
      const { spans: ledger, balanced } = await service.stats();
      expect([ledger, balanced]).toMatchObject([{ delivered: 20, exported: 20, queued: 0 }, true]);
    },
    LIMIT_MILLIS,
  );

  test(
    "durations at /metrics and over OTLP count what curl counted; exemplars point at spans; the ledger is there too",
    async () => {
      const situation = await watch();
      const { network, service, collector } = situation;
      await startNginx(network, NGINX);
      const urls = Array.from({ length: 60 }, (_, i) => `http://127.0.0.1:8080/${i % 3 === 0 ? "none" : i}`);
      await network.output("curl", "--silent", ...urls);
      const spans = await spansOf(situation, 60);

      const text = await service.get("/metrics");
      const name = "http_server_request_duration_seconds";
      const counts = [...text.matchAll(new RegExp(`^${name}_count\\{.*status_code="(\\d+)".*\\} (\\d+)$`, "gm"))];
      expect(Object.fromEntries(counts.map(([, status, count]) => [status, count]))).toEqual({ 204: "40", 404: "20" });
      expect(text).toMatch(/^kernelcast_bpf_program_runs_total\{program="\w+"\} \d+$/m);
      expect(text).toMatch(/^kernelcast_ring_limit_bytes \d+$/m);

      const accept = ["curl", "--silent", "--header", "Accept: application/openmetrics-text"];
      const openMetrics = await network.output(...accept, `${service.url}/metrics`);
      const exemplars = [...openMetrics.matchAll(/ # \{trace_id="(\w+)",span_id="(\w+)"\}/g)];
      expect(exemplars.length).toBeGreaterThan(0);
      for (const [, traceId, spanId] of exemplars) {
        expect(spans.find((span) => span.spanId === spanId)?.traceId).toBe(traceId as string);
      }

      const reading = async () => {
        const { metrics } = await collector.report();
        const points = metrics["http.server.request.duration"]?.points ?? [];
        const value = (name: string) => metrics[name]?.points[0]?.value;
        return {
          metrics,
          measured: points.reduce((sum, { count = 0 }) => sum + count, 0),
          delivered: value("kernelcast.events.delivered"),
          exported: value("otel.sdk.exporter.span.exported"),
        };
      };
      // What is exported last of all this is counted last.
      while ((await reading()).exported !== 60);
      const { metrics, ...counted } = await reading();
      expect(counted).toEqual({ measured: 60, delivered: 60, exported: 60 });
      expect(Object.keys(metrics)).toContain("kernelcast.bpf.program.run_time");
    },
    LIMIT_MILLIS,
  );
});
