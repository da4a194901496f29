import { expect, test } from "bun:test";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { HttpEvent } from "../../ffi/event.ts";
import { IdGenerator } from "../../otel/ids.ts";
import { knownMethods } from "../../otel/method.ts";
import { createSpanFactory } from "../../otel/span.ts";
import { httpEvent } from "./support/events.ts";

const resource = resourceFromAttributes({});

function spanOf(changes: Partial<HttpEvent>, methods?: string) {
  const toSpan = createSpanFactory({
    resource,
    version: "1.2.3",
    ids: new IdGenerator(),
    knownMethods: knownMethods(methods),
    sideOf: () => "server",
    underClientSpan: false,
    optIn: { server: false, client: false },
    limits: undefined,
  });
  return toSpan(httpEvent(changes));
}

test("an ordinary transaction has exactly the attributes that the wire shows", () => {
  expect(spanOf({ host: "api.local:8080", userAgent: "curl/8" }).attributes).toEqual({
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "url.scheme": "http",
    "url.path": "/users/42",
    "server.address": "api.local",
    "server.port": 8080,
    "client.address": "10.0.0.7",
    "network.peer.address": "10.0.0.7",
    "network.peer.port": 51_514,
    "network.local.address": "10.0.0.2",
    "network.local.port": 8080,
    "network.protocol.version": "1.1",
    "user_agent.original": "curl/8",
  });
});

test("a span is of kind SERVER, ended, and of the scope kernelcast with its version and schema", () => {
  const span = spanOf({});
  expect(span.kind).toBe(SpanKind.SERVER);
  expect(span.ended).toBe(true);
  expect(span.instrumentationScope).toEqual({
    name: "kernelcast",
    version: "1.2.3",
    schemaUrl: "https://opentelemetry.io/schemas/1.44.0",
  });
  expect(span.resource).toBe(resource);
});

/** One row a rule: the event, and the attributes it must give; undefined means that the attribute must be absent. */
const attributeRules: [rule: string, event: Partial<HttpEvent>, expected: Record<string, unknown>][] = [
  ["a known method is given as it is", { method: "PATCH" }, { "http.request.method": "PATCH" }],
  ["a known method needs no original", { method: "PATCH" }, { "http.request.method_original": undefined }],
  ["QUERY is known", { method: "QUERY" }, { "http.request.method": "QUERY" }],
  [
    "an unknown method is _OTHER, with the original kept",
    { method: "PROPFIND" },
    { "http.request.method": "_OTHER", "http.request.method_original": "PROPFIND" },
  ],
  [
    "methods are case-sensitive",
    { method: "get" },
    { "http.request.method": "_OTHER", "http.request.method_original": "get" },
  ],
  ["the query is left out when it was not captured", {}, { "url.query": undefined }],
  ["the query has no question mark", { query: "a=1" }, { "url.query": "a=1" }],
  ["a secret in the query is redacted", { query: "a=1&sig=x" }, { "url.query": "a=1&sig=REDACTED" }],
  ["an absolute target gives its path", { path: "http://h.example:81/p/q" }, { "url.path": "/p/q" }],
  ["an absolute target without a path has the root's", { path: "http://h.example" }, { "url.path": "/" }],
  [
    "an absolute target names the server, before Host",
    { path: "HTTPS://h.example/p", host: "other:1" },
    { "server.address": "h.example", "server.port": 443, "url.scheme": "https" },
  ],
  [
    "credentials in an absolute target are dropped",
    { path: "http://user:secret@h.example/p" },
    { "server.address": "h.example", "url.path": "/p" },
  ],
  [
    "a target cut within its host does not name the server",
    { path: "http://h.exam", pathTruncated: true, host: "h.example" },
    { "server.address": "h.example" },
  ],
  [
    "CONNECT names the server and has no path",
    { method: "CONNECT", path: "h.example:443" },
    { "server.address": "h.example", "server.port": 443, "url.path": "" },
  ],
  ["OPTIONS * keeps the asterisk", { method: "OPTIONS", path: "*" }, { "url.path": "*" }],
  ["a cut path says so", { pathTruncated: true }, { "kernelcast.url.path.truncated": true }],
  ["a whole path does not say so", {}, { "kernelcast.url.path.truncated": undefined }],
  ["the route is never made up from the path", {}, { "http.route": undefined }],
  ["a status is given as a number", { status: 404 }, { "http.response.status_code": 404 }],
  ["no status is given when no response was seen", { status: 0 }, { "http.response.status_code": undefined }],
  ["the protocol version is the bare number", { version: "1.0" }, { "network.protocol.version": "1.0" }],
  ["the protocol is not named when it is http", {}, { "network.protocol.name": undefined }],
  ["the user agent is left out when there was none", {}, { "user_agent.original": undefined }],
  ["Host gives the server", { host: "a.b" }, { "server.address": "a.b" }],
  ["Host without a port means the scheme's", { host: "a.b" }, { "server.port": 80 }],
  ["a Host of IPv6 loses its brackets", { host: "[::1]:8081" }, { "server.address": "::1", "server.port": 8081 }],
  ["no Host: the endpoint that was reached", {}, { "server.address": "10.0.0.2", "server.port": 8080 }],
  [
    "a Host that is not valid: the endpoint that was reached",
    { host: "a b:99999" },
    { "server.address": "10.0.0.2", "server.port": 8080 },
  ],
];

test.each(attributeRules)("attributes: %s", (_rule, event, expected) => {
  const { attributes } = spanOf(event);
  for (const [name, value] of Object.entries(expected)) expect({ [name]: attributes[name] }).toEqual({ [name]: value });
});

const { UNSET, ERROR } = SpanStatusCode;

/** One row a rule: the event, the span status and `error.type`. */
const statusRules: [rule: string, event: Partial<HttpEvent>, status: SpanStatusCode, error: string | undefined][] = [
  ["1xx to 3xx leave it unset", { status: 304 }, UNSET, undefined],
  ["4xx is not the server's error", { status: 404 }, UNSET, undefined],
  ["500 is an error of that type", { status: 500 }, ERROR, "500"],
  ["503 is an error of that type", { status: 503 }, ERROR, "503"],
  ["a code that HTTP does not define is an error", { status: 999 }, ERROR, "999"],
  ["no response until FIN", { status: 0, outcome: "closed" }, ERROR, "connection_closed"],
  ["no response until RST", { status: 0, outcome: "reset" }, ERROR, "connection_reset"],
  ["no response until the time-out", { status: 0, outcome: "timeout" }, ERROR, "timeout"],
  ["a response cut by FIN", { status: 200, outcome: "closed" }, ERROR, "connection_closed"],
  ["a response cut by RST", { status: 200, outcome: "reset" }, ERROR, "connection_reset"],
  ["a response that stalls", { status: 200, outcome: "timeout" }, ERROR, "timeout"],
  ["a 5xx that was cut keeps the code", { status: 502, outcome: "reset" }, ERROR, "502"],
  ["a 4xx that was cut is an error", { status: 404, outcome: "reset" }, ERROR, "connection_reset"],
  ["superseded is our miss, not their error", { status: 200, outcome: "superseded" }, UNSET, undefined],
  ["superseded without a response neither", { status: 0, outcome: "superseded" }, UNSET, undefined],
  ["an upgrade is what was asked for", { status: 101, outcome: "upgraded" }, UNSET, undefined],
];

test.each(statusRules)("status: %s", (_rule, event, status, error) => {
  const span = spanOf(event);
  expect(span.status).toEqual({ code: status });
  expect(span.attributes["error.type"]).toBe(error);
});

test.each([
  ["a known method names the span", "POST", undefined, "POST"],
  ["an unknown method is called HTTP", "PROPFIND", undefined, "HTTP"],
  ["the setting adds", "PROPFIND", "GET, PROPFIND", "PROPFIND"],
  ["the setting replaces the list", "POST", "GET", "HTTP"],
  ["an empty setting is none", "POST", " ", "POST"],
])("name: %s", (_rule, method, setting, name) => {
  expect(spanOf({ method }, setting).name).toBe(name);
});

test.each([
  ["within a second", "1790000000123456789", 1_234_567, [1_790_000_000, 123_456_789], [1_790_000_000, 124_691_356]],
  ["into the next", "1790000000999999999", 2, [1_790_000_000, 999_999_999], [1_790_000_001, 1]],
  ["over an hour", "1790000000000000001", 3_600_000_000_001, [1_790_000_000, 1], [1_790_003_600, 2]],
  ["of no duration", "1790000000000000000", 0, [1_790_000_000, 0], [1_790_000_000, 0]],
  ["never backwards", "1790000000000000000", -5, [1_790_000_000, 0], [1_790_000_000, 0]],
  ["in the epoch's first second", "7", 3, [0, 7], [0, 10]],
] as [string, string, number, [number, number], [number, number]][])(
  "time: exact to the nanosecond %s",
  (_name, startTimeUnixNano, durationNano, start, end) => {
    const span = spanOf({ startTimeUnixNano, durationNano });
    expect(span.startTime).toEqual(start);
    expect(span.endTime).toEqual(end);
  },
);

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

test("a traceparent puts the span under the caller's, which is remote", () => {
  const span = spanOf({ traceparent: TRACEPARENT });
  expect(span.spanContext().traceId).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
  expect(span.spanContext().spanId).toMatch(/^[\da-f]{16}$/);
  expect(span.spanContext().spanId).not.toBe("00f067aa0ba902b7");
  expect(span.parentSpanContext).toEqual({
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7",
    traceFlags: 1,
    isRemote: true,
  });
});

test.each([
  ["sampled", "01", 0x01],
  ["not sampled by the caller, but by us", "00", 0x01],
  ["random trace id goes on", "03", 0x03],
  ["unknown bits do not", "fd", 0x01],
])("flags: %s", (_name, given, flags) => {
  expect(spanOf({ traceparent: TRACEPARENT.replace(/01$/, given) }).spanContext().traceFlags).toBe(flags);
});

test.each([[undefined], ["not-a-traceparent"]])("traceparent %p starts a trace of its own", (traceparent) => {
  const span = spanOf(traceparent === undefined ? {} : { traceparent });
  expect(span.spanContext().traceId).toMatch(/^(?!0{32})[\da-f]{32}$/);
  expect(span.parentSpanContext).toBeUndefined();
});
