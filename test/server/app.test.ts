import { describe, expect, spyOn, test } from "bun:test";
import { createApp } from "../../server/app.ts";
import { Hub } from "../../server/hub.ts";
import { FakeCapture, FakeTransport } from "./fake.ts";

const setUp = () => {
  const capture = new FakeCapture();
  const hub = new Hub({ queueMax: 10, subscriberMax: 1, version: "0.0.0" });
  const app = createApp({ capture, hub, spans: undefined, version: "0.0.0" });
  /** Does not prove that a WebSocket opens: `listen.test.ts` does. */
  const upgrades: Record<string, string>[] = [];
  const bindings = {
    upgrade: (headers: Record<string, string>) => {
      upgrades.push(headers);
      return true;
    },
  };
  const request = (target: string, init: RequestInit = {}) => {
    const [method = "", path = ""] = target.split(" ");
    return app.request(path, { method, ...init }, bindings);
  };
  return { capture, hub, request, upgrades };
};

const answers: [string, number, string][] = [
  ["GET /healthz", 200, "application/json"],
  ["GET /readyz", 200, "application/json"],
  ["GET /stats", 200, "application/json"],
  ["GET /metrics", 200, "text/plain; version=0.0.4; charset=utf-8"],
  ["POST /sync", 200, "application/json"],
  ["GET /openapi.json", 200, "application/json"],
  ["GET /", 200, "text/html; charset=utf-8"],
  ["GET /page.css", 200, "text/css; charset=utf-8"],
  ["GET /page.js", 200, "text/javascript; charset=utf-8"],
  ["HEAD /healthz", 200, "application/json"],
];
test.each(answers)("%s answers %d as %s", async (target, status, type) => {
  const response = await setUp().request(target);
  expect(response.status).toBe(status);
  expect(response.headers.get("Content-Type")).toBe(type);
  expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
});

const refusals: [string, number, string, string][] = [
  ["POST /sync?wait=expotr", 400, "bad_query", 'query parameter "wait": expected "export", got "expotr"'],
  [
    "POST /sync?wait=export&wait=x",
    400,
    "bad_query",
    'query parameter "wait": expected "export", got "export" and "x"',
  ],
  ["POST /sync?wiat=1", 400, "bad_query", 'unknown query parameter "wiat"; did you mean wait?; allowed: wait'],
  [
    "GET /ws?pth=/a&status=5xx&status=6",
    400,
    "bad_query",
    'unknown query parameter "pth"; did you mean path?; allowed: protocol, method, status, path, host, port, client, server, minDurationMs, sample, since, policy',
  ],
  [
    "GET /ws?status=5xx&status=abc&policy=x",
    400,
    "bad_query",
    'query parameter "status": expected a status such as 500, 5xx or 400-499; 0 is no response; a leading ! excludes, got "abc"; query parameter "policy": expected one of drop-newest, drop-oldest, sample, disconnect, got "x"',
  ],
  [
    "GET /stats?a=1&b=2",
    400,
    "bad_query",
    'unknown query parameter "a"; none is allowed here; unknown query parameter "b"; none is allowed here',
  ],
  ["GET /ws", 426, "upgrade_required", "this is a WebSocket; connect to it with a WebSocket client"],
  [
    "POST /sync?wait=export",
    409,
    "export_off",
    "span export is off, so it cannot be waited for; leave out wait=export, or set OTEL_TRACES_EXPORTER=otlp",
  ],
  ["GET /nothing", 404, "not_found", "there is nothing at /nothing; GET /openapi.json lists what there is"],
  ["GET /sync", 405, "method_not_allowed", "/sync takes POST, not GET"],
  ["DELETE /stats", 405, "method_not_allowed", "/stats takes GET, not DELETE"],
];
test.each(refusals)("%s is refused with %d %s and says why", async (target, status, code, message) => {
  const response = await setUp().request(target);
  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ error: { code, message } });
});

test("a body that is not said to be JSON is refused, as curl sends it, and it is said what to do", async () => {
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  const response = await setUp().request("PUT /protocols/http", { body: '{"enabled":true}', headers });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { code: "bad_body", message: expect.stringContaining("Content-Type: application/json") },
  });
});

test("a body that is no JSON is the client's mistake, and not logged", async () => {
  const log = spyOn(console, "error").mockImplementation(() => {});
  const headers = { "Content-Type": "application/json" };
  const response = await setUp().request("PUT /protocols/http", { body: "{", headers });
  expect(log).not.toHaveBeenCalled();
  log.mockRestore();
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: "bad_body" } });
});

test("a refusal of the method says which are allowed", async () => {
  const { request } = setUp();
  expect((await request("GET /sync")).headers.get("Allow")).toBe("POST");
  expect((await request("POST /stats")).headers.get("Allow")).toBe("HEAD, GET");
});

describe("GET /ws", () => {
  const asking = (protocols?: string) => ({
    headers: { Upgrade: "websocket", ...(protocols === undefined ? {} : { "Sec-WebSocket-Protocol": protocols }) },
  });

  test("upgrades, and echoes the subprotocol only when asked", async () => {
    const { request, upgrades } = setUp();
    await request("GET /ws", asking());
    await request("GET /ws", asking("x, kernelcast.v1.json"));
    expect(upgrades).toEqual([{}, { "Sec-WebSocket-Protocol": "kernelcast.v1.json" }]);
  });

  test("refuses subprotocols that it does not speak", async () => {
    const { request, upgrades } = setUp();
    const response = await request("GET /ws", asking("mqtt"));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { message: 'unknown subprotocol "mqtt"; allowed: kernelcast.v1.json, kernelcast.v1.binary, or none' },
    });
    expect(upgrades).toEqual([]);
  });

  test("refuses when there are too many subscribers", async () => {
    const { request, hub } = setUp();
    hub.subscribe(new FakeTransport(), "fake");
    expect((await request("GET /ws", asking())).status).toBe(503);
  });
});

describe("when the capture does not run", () => {
  test("the service is alive, not ready, still counts, and refuses to synchronise", async () => {
    const { request, capture } = setUp();
    capture.running = false;
    expect((await request("GET /healthz")).status).toBe(200);
    const ready = await request("GET /readyz");
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ error: { code: "not_ready" } });
    expect(await (await request("GET /stats")).json()).toMatchObject({ running: false });
    expect((await request("POST /sync")).status).toBe(409);
  });
});

test("a barrier that misses a CPU answers 504 with the partial receipt", async () => {
  const { request, capture } = setUp();
  capture.missingCpus.push(1);
  const response = await request("POST /sync");
  expect(response.status).toBe(504);
  expect(await response.json()).toMatchObject({ id: 1, missingCpus: [1], balanced: true });
});

test("the ledger names the identity that does not hold", async () => {
  const { request, capture } = setUp();
  capture.count(2);
  expect(await (await request("GET /stats")).json()).toMatchObject({
    protocols: { http: { observed: 2, enqueued: 2, delivered: 2, pending: 0, dropped: {} } },
    balanced: false,
    imbalances: ["http to subscribers: delivered 2, but offered 0"],
  });
});

test("a failure of the service is answered in the same shape and logged", async () => {
  const { request, capture } = setUp();
  capture.stats = () => {
    throw new Error("boom");
  };
  const log = spyOn(console, "error").mockImplementation(() => {});
  const response = await request("GET /stats");
  expect(log).toHaveBeenCalledTimes(1);
  log.mockRestore();
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({
    error: { code: "internal", message: "the service failed to answer: boom" },
  });
});

interface OpenApi {
  paths: Record<string, { post: { responses: object; parameters: object[] } }>;
  components: { schemas: Record<string, { properties: object }> };
}

test("the OpenAPI document lists every route of the API, its answers and the schemas", async () => {
  const document = (await (await setUp().request("GET /openapi.json")).json()) as OpenApi;
  expect(Object.keys(document.paths).sort()).toEqual([
    "/asyncapi.json",
    "/events",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/protocols/{protocol}",
    "/readyz",
    "/stats",
    "/sync",
    "/ws",
  ]);
  expect(Object.keys(document.paths["/sync"]?.post.responses ?? {})).toEqual(["200", "400", "409", "504"]);
  expect(document.paths["/sync"]?.post.parameters).toMatchObject([
    { in: "query", name: "wait", schema: { enum: ["export"] } },
  ]);
  expect(Object.keys(document.components.schemas).sort()).toEqual([
    "Error",
    "Health",
    "PartialReceipt",
    "ProtocolState",
    "Readiness",
    "Receipt",
    "Stats",
  ]);
  expect(Object.keys(document.components.schemas.Receipt?.properties ?? {})).toEqual([
    "id",
    "durationMs",
    "protocols",
    "spans",
    "balanced",
  ]);
});

test("the page may load nothing from elsewhere and runs no inline code", async () => {
  const { request } = setUp();
  const response = await request("GET /");
  expect(response.headers.get("Content-Security-Policy")).toContain("default-src 'none'; script-src 'self'");
  const html = await response.text();
  expect(html).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc="\/)/);
  expect(html.match(/(?:src|href)="(?!\/page\.|data:)[^"]*"/g)).toBeNull();
  const script = await (await request("GET /page.js")).text();
  expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/);
});

const protocolRequests: [string, string, string, number, object][] = [
  ["pauses a protocol", "http", '{"enabled":false}', 200, { protocol: "http", enabled: false }],
  ["resumes a protocol", "http", '{"enabled":true}', 200, { protocol: "http", enabled: true }],
  ["names the protocols there are", "smtp", '{"enabled":true}', 404, { error: { code: "no_protocol" } }],
  ["refuses a word", "http", '{"enabled":"no"}', 400, { error: { code: "bad_body" } }],
  ["refuses a further key", "http", '{"enabled":true,"x":1}', 400, { error: { code: "bad_body" } }],
  ["refuses an empty object", "http", "{}", 400, { error: { code: "bad_body" } }],
];
test.each(protocolRequests)("PUT /protocols %s", async (_, protocol, body, status, answer) => {
  const { request, capture } = setUp();
  const response = await request(`PUT /protocols/${protocol}`, {
    headers: { "Content-Type": "application/json" },
    body,
  });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject(answer);
  if (status === 200) expect(capture.stats().enabled).toEqual("enabled" in answer && answer.enabled ? ["http"] : []);
});
