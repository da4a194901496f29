import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HttpEvent } from "../../ffi/event.ts";
import type { PartialReceipt, Stats } from "../../server/schema.ts";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { type CurlRequest, curlAll, type Transfer } from "./support/curl.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx, temporaryFolder } from "./support/nginx.ts";
import { Collector } from "./support/receiver.ts";
import { Service } from "./support/service.ts";

const REQUESTS = 10_000;
const PORT = 8080;
const LIMIT_MILLIS = 60_000;
const SERVER = 2;

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
const WITH_BODY = ["POST", "PUT", "PATCH"];
const BODY_BYTES = [1, 1_000, 100_000];
/** 400 and 500 end the connection: nginx keeps none after these. The others are kept. */
const STATUSES = [200, 201, 204, 301, 304, 400, 401, 403, 404, 409, 500, 503];

const HTTP = `
server {
  listen 127.0.0.1:${PORT};
  listen [::1]:${PORT};
  client_max_body_size 0;
  location /200/ { return 200 "a body of some length"; }
  ${STATUSES.filter((status) => status !== 200)
    .map((status) => `location /${status}/ { return ${status}; }`)
    .join("\n  ")}
}`;

function traceparentOf(index: number): { traceId: string; parentSpanId: string } | undefined {
  if (index % 10 !== 0) return undefined;
  const id = (index + 1).toString(16);
  return { traceId: id.padStart(32, "0"), parentSpanId: id.padStart(16, "0") };
}

/** Every combination of method and status, on IPv4 and IPv6, each path once. */
function requests(): CurlRequest[] {
  const folder = temporaryFolder();
  const bodies = BODY_BYTES.map((bytes) => {
    const file = join(folder, `${bytes}.bin`);
    writeFileSync(file, "x".repeat(bytes));
    return file;
  });
  return Array.from({ length: REQUESTS }, (_, index) => {
    const method = pick(METHODS, index);
    const status = pick(STATUSES, Math.floor(index / METHODS.length));
    const host = Math.floor(index / 5) % 2 === 0 ? "127.0.0.1" : "[::1]";
    const parent = traceparentOf(index);
    return {
      method,
      url: `http://${host}:${PORT}/${status}/${index}?secret=${index}`,
      headers: parent ? [`traceparent: 00-${parent.traceId}-${parent.parentSpanId}-01`] : [],
      ...(WITH_BODY.includes(method) ? { bodyFile: pick(bodies, Math.floor(index / 3)) } : {}),
    };
  });
}

function pick<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T;
}

const indexOf = (path: string) => Number(path.split("/")[2]);
const byPath = (transfer: Transfer) => new URL(transfer.url).pathname;

/** The first few pairs that differ: a diff of ten thousand would be unreadable. */
function differences<T>(keys: Iterable<string>, expected: (key: string) => T, actual: (key: string) => T) {
  const found: { expected: T; actual: T }[] = [];
  for (const key of keys) {
    const pair = { expected: expected(key), actual: actual(key) };
    if (!Bun.deepEquals(pair.expected, pair.actual)) found.push(pair);
  }
  return { count: found.length, first: found.slice(0, 3) };
}
const NONE = { count: 0, first: [] };

describeKernel(`${REQUESTS} requests of curl to nginx`, () => {
  describe.each([
    ["http/protobuf", "application/x-protobuf"],
    ["http/json", "application/json"],
  ])("with spans over %s", (protocol, contentType) => {
    let transfers: Map<string, Transfer>;
    let events: HttpEvent[];
    let eventOf: Map<string, HttpEvent>;
    let gaps: number;
    let receipt: PartialReceipt;
    let stats: Stats;
    let collector: Collector;
    let received: number;
    let paths: string[];
    /** Wall clock, nanoseconds, around the whole of curl. */
    let beganNanos: bigint;
    let endedNanos: bigint;

    beforeAll(async () => {
      const network = await Network.open();
      collector = await Collector.start(network);
      const service = await Service.start(network, {
        env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol },
      });
      await startNginx(network, HTTP);
      const subscriber = await service.subscribe();
      const all = requests();

      beganNanos = BigInt(Date.now()) * 1_000_000n;
      const done = await curlAll(network, all);
      endedNanos = BigInt(Date.now() + 1) * 1_000_000n;

      receipt = await service.sync("?wait=export");
      received = (await collector.report()).received;
      await subscriber.synced(receipt.id);
      stats = await service.stats();
      transfers = new Map(done.map((transfer) => [byPath(transfer), transfer]));
      paths = [...transfers.keys()];
      events = subscriber.events;
      eventOf = new Map(events.map((event) => [event.path, event]));
      gaps = subscriber.gaps.length;
    }, LIMIT_MILLIS);

    afterAll(async () => {
      await endAll();
      removeFolders();
    }, LIMIT_MILLIS);

    const transferOf = (path: string) => transfers.get(path) as Transfer;

    test("curl itself had an answer to each, over kept connections of both IP versions", () => {
      const done = [...transfers.values()];
      expect(done.length).toBe(REQUESTS);
      expect(done.filter(({ exitcode }) => exitcode !== 0)).toEqual([]);
      expect(new Set(done.map(({ local_ip }) => local_ip))).toEqual(new Set(["127.0.0.1", "::1"]));
      expect(new Set(done.map(({ local_port }) => local_port)).size).toBeLessThan(REQUESTS / 3);
    });

    test("after POST /sync a subscriber has received each exactly once", () => {
      expect([events.length, eventOf.size, gaps]).toEqual([REQUESTS, REQUESTS, 0]);
      expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: REQUESTS }, (_, index) => index + 1));
    });

    test("method, path, status, version, sizes, addresses and ports are those of curl", () => {
      const expected = (path: string) => {
        const { method, http_code, local_ip, local_port, remote_ip, remote_port, url, ...sizes } = transferOf(path);
        const parent = traceparentOf(indexOf(path));
        return {
          protocol: "http",
          method,
          path,
          pathTruncated: false,
          // What of the body curl sent in one piece with the head, it counts as head.
          requestHeaderBytes: sizes.size_upload === 0 ? sizes.size_request : expect.any(Number),
          // nginx answers here before it has read a large body; what comes after the answer is not counted.
          requestBodyBytes: sizes.size_upload <= 1000 ? sizes.size_upload : expect.any(Number),
          status: http_code,
          responseHeaderBytes: sizes.size_header,
          responseBodyBytes: sizes.size_download,
          version: "1.1",
          client: { address: local_ip, port: local_port },
          server: { address: remote_ip, port: remote_port },
          host: new URL(url).host,
          userAgent: expect.stringMatching(/^curl\/[\d.]+$/),
          ...(parent ? { traceparent: `00-${parent.traceId}-${parent.parentSpanId}-01` } : {}),
          outcome: "complete",
        };
      };
      const actual = (path: string) => {
        const { seq, cpu, startTimeUnixNano, durationNano, timeToFirstByteNano, ...rest } = eventOf.get(
          path,
        ) as HttpEvent;
        return rest;
      };
      for (const path of paths) expect(actual(path)).toEqual(expected(path) as unknown as ReturnType<typeof actual>);
    });

    test("no duration is longer than curl's own, and none is zero", () => {
      const late = paths.filter((path) => {
        const { durationNano } = eventOf.get(path) as HttpEvent;
        // curl cuts its own time to whole microseconds.
        return durationNano <= 0 || durationNano > transferOf(path).time_total * 1e9 + 1000;
      });
      expect(late.map((path) => [eventOf.get(path), transferOf(path)])).toEqual([]);
    });

    test("the first byte of every response comes after the request has begun and before its end", () => {
      const wrong = events.filter(
        ({ timeToFirstByteNano = -1, durationNano }) => timeToFirstByteNano <= 0 || timeToFirstByteNano > durationNano,
      );
      expect(wrong).toEqual([]);
    });

    test("each begins and ends, by the wall clock, while curl runs", () => {
      const outside = events.filter(({ startTimeUnixNano, durationNano }) => {
        const start = BigInt(startTimeUnixNano);
        return start < beganNanos || start + BigInt(durationNano) > endedNanos;
      });
      expect(outside).toEqual([]);
    });

    test("the receipt and /stats balance: all observed, all delivered, nothing dropped or refused", () => {
      expect(receipt).toEqual({
        id: receipt.id,
        durationMs: receipt.durationMs,
        protocols: { http: { observed: REQUESTS, enqueued: REQUESTS, delivered: REQUESTS, dropped: {} } },
        spans: { accepted: REQUESTS, exported: REQUESTS, queued: 0 },
        balanced: true,
      });
      expect(stats).toMatchObject({
        balanced: true,
        imbalances: [],
        protocols: { http: { observed: REQUESTS, delivered: REQUESTS, pending: 0, dropped: {} } },
        subscribers: { total: { delivered: REQUESTS, sent: REQUESTS, filtered: 0, dropped: {}, queued: 0 } },
        following: { http: { gaps: 0, unread: 0 } },
        reader: {
          lost_records: 0,
          out_of_order: 0,
          malformed: 0,
        },
      });
      expect(stats.following.http?.refused).toEqual({});
    });

    test("POST /sync?wait=export answers when the collector has every span", () => {
      expect(received).toBe(REQUESTS);
      expect(collector.spans.length).toBe(REQUESTS);
    });

    test("the collector was spoken to in the format that was set", async () => {
      const { requests } = await collector.report();
      const contentTypes = requests.filter(({ path }) => path === "/v1/traces").map((r) => r.headers["content-type"]);
      expect(new Set(contentTypes)).toEqual(new Set([contentType]));
    });

    test("spans have valid ids that occur once, and join the caller's trace where there was one", () => {
      expect(new Set(collector.spans.map(({ spanId }) => spanId)).size).toBe(REQUESTS);
      expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(REQUESTS);
      for (const { traceId, spanId, parentSpanId, attributes } of collector.spans) {
        expect(spanId).toMatch(/^(?!0{16})[\da-f]{16}$/);
        const parent = traceparentOf(indexOf(String(attributes["url.path"])));
        if (parent) expect({ traceId, parentSpanId }).toEqual(parent);
        else {
          expect(traceId).toMatch(/^(?!0{32})[\da-f]{32}$/);
          expect(parentSpanId).toBe("");
        }
      }
    });

    test("each span is its event: SERVER, the same start and end, the required attributes and no other", () => {
      const spanOf = new Map(collector.spans.map((span) => [String(span.attributes["url.path"]), span]));
      expect(spanOf.size).toBe(REQUESTS);
      const expected = (path: string) => {
        const event = eventOf.get(path) as HttpEvent;
        const server = new URL(transferOf(path).url);
        const start = BigInt(event.startTimeUnixNano);
        return {
          name: event.method,
          kind: SERVER,
          startTimeUnixNano: String(start),
          endTimeUnixNano: String(start + BigInt(event.durationNano)),
          statusCode: event.status >= 500 ? 2 : 0,
          attributes: {
            "http.request.method": event.method,
            "http.response.status_code": event.status,
            "url.scheme": "http",
            "url.path": path,
            "server.address": server.hostname.replace(/[[\]]/g, ""),
            "server.port": PORT,
            "client.address": event.client.address,
            "network.peer.address": event.client.address,
            "network.peer.port": event.client.port,
            "network.local.address": event.server.address,
            "network.local.port": PORT,
            "network.protocol.version": "1.1",
            "user_agent.original": String(event.userAgent),
            ...(event.status >= 500 ? { "error.type": String(event.status) } : {}),
          },
        };
      };
      const actual = (path: string) => {
        const { name, kind, startTimeUnixNano, endTimeUnixNano, statusCode, attributes } = spanOf.get(path) ?? {};
        return { name, kind, startTimeUnixNano, endTimeUnixNano, statusCode, attributes };
      };
      expect(differences<unknown>(paths, expected, actual)).toEqual(NONE);
    });
  });
});
