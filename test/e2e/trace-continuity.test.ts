import { afterAll, beforeAll, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import type { ReceivedSpan } from "../otel/support/otlp.ts";
import { violations } from "../otel/support/validator.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { Collector } from "./support/receiver.ts";
import { Service } from "./support/service.ts";

const LIMIT_MILLIS = 60_000;
const REQUESTS = 20;
const PROGRAM = new URL("support/programs/instrumented.mjs", import.meta.url).pathname;
/** Node's SDK takes its time from another clock reading than the kernel's. */
const CLOCKS_NANOS = 20_000_000n;

/** The three spans of each request, by its path: the client's and the server's own, and Kernelcast's. */
interface Traced {
  client: ReceivedSpan;
  server: ReceivedSpan;
  kernelcast: ReceivedSpan;
}

describeKernel("between an instrumented client and an instrumented server", () => {
  let all: ReceivedSpan[];
  let traced: Map<string, Traced>;

  beforeAll(async () => {
    const network = await Network.open();
    const collector = await Collector.start(network);
    const exporting = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_METRICS_EXPORTER: "none" };
    const service = await Service.start(network, { env: exporting });
    const application = (name: string, ...args: string[]) =>
      network.start(["node", PROGRAM, ...args], { ...exporting, OTEL_LOGS_EXPORTER: "none", OTEL_SERVICE_NAME: name });
    const server = application("server", "server");
    const [port = ""] = await server.match(/^\d+$/m);
    expect(await application("client", "client", `http://127.0.0.1:${port}`, String(REQUESTS)).exited).toBe(0);
    server.say("end");
    expect(await server.exited).toBe(0);
    await service.sync("?wait=export");
    await collector.report();

    all = collector.spans.map((span) => ({
      ...span,
      startTimeUnixNano: BigInt(span.startTimeUnixNano),
      endTimeUnixNano: BigInt(span.endTimeUnixNano),
    }));
    const of = (scope: string, service: string, kind: number) =>
      all.filter((span) => {
        const isOfPort = String(span.attributes["server.port"]) === port;
        return (
          isOfPort && span.scope.name.includes(scope) && span.resource["service.name"] === service && span.kind === kind
        );
      });
    const clients = of("instrumentation-http", "client", 3);
    const servers = of("instrumentation-http", "server", 2);
    const ours = of("kernelcast", "kernelcast", 2);
    expect([clients.length, servers.length, ours.length]).toEqual([REQUESTS, REQUESTS, REQUESTS]);
    traced = new Map(
      ours.map((kernelcast) => {
        const path = String(kernelcast.attributes["url.path"]);
        const server = servers.find((span) => span.attributes["url.path"] === path) as ReceivedSpan;
        const client = clients.find((span) => String(span.attributes["url.full"]).endsWith(path)) as ReceivedSpan;
        return [path, { client, server, kernelcast }];
      }),
    );
  }, LIMIT_MILLIS);
  afterAll(endAll, LIMIT_MILLIS);

  test("Kernelcast's span is in the client's trace, under the client's span, beside the server's", () => {
    expect(traced.size).toBe(REQUESTS);
    for (const { client, server, kernelcast } of traced.values()) {
      expect(kernelcast.traceId).toBe(client.traceId);
      expect(kernelcast.parentSpanId).toBe(client.spanId);
      expect([server.traceId, server.parentSpanId]).toEqual([client.traceId, client.spanId]);
      expect(kernelcast.spanId).not.toBe(server.spanId);
    }
  });

  test("it lies within the client's span, and says of the request what the server's does", () => {
    for (const { client, server, kernelcast } of traced.values()) {
      expect(kernelcast.startTimeUnixNano).toBeGreaterThanOrEqual(client.startTimeUnixNano - CLOCKS_NANOS);
      expect(kernelcast.endTimeUnixNano).toBeLessThanOrEqual(client.endTimeUnixNano + CLOCKS_NANOS);
      for (const name of [
        "http.request.method",
        "http.response.status_code",
        "error.type",
        "url.scheme",
        "url.path",
        "server.address",
        "server.port",
        "network.protocol.version",
        "network.peer.port",
        "user_agent.original",
      ]) {
        expect({ [name]: kernelcast.attributes[name] }).toEqual({ [name]: server.attributes[name] });
      }
      expect([kernelcast.name, kernelcast.statusCode]).toEqual([server.name, server.statusCode]);
    }
  });

  test("with one of them in error, all three are", () => {
    const { client, server, kernelcast } = traced.get("/traced/7") as Traced;
    expect([client, server, kernelcast].map(({ statusCode }) => statusCode)).toEqual([2, 2, 2]);
    expect(client.attributes["error.type"]).toBe(kernelcast.attributes["error.type"] as string);
  });

  test("the validator, which holds Kernelcast's spans, finds no fault with the SDK's but their schema URLs", () => {
    const faults = new Set(all.flatMap(violations).map((fault) => fault.replace(/^.*?: /, "")));
    expect([...faults].filter((fault) => !/^the (scope|resource)'s schema URL {2}is one/.test(fault))).toEqual([]);
  });
});
