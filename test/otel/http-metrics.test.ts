import { expect, test } from "bun:test";
import type { HttpEvent } from "../../ffi/event.ts";
import { HttpMetrics, type HttpMetricsOptions } from "../../otel/http-metrics.ts";
import { IdGenerator } from "../../otel/ids.ts";
import { knownMethods } from "../../otel/method.ts";
import { type HistogramFamily, readFamilies } from "../../otel/metric-families.ts";
import { httpEvent, httpEvents } from "./support/events.ts";
import { rawBatch } from "./support/raw.ts";

const ids = new IdGenerator();
const OPTIONS: HttpMetricsOptions = {
  sideRules: [() => "server"],
  knownMethods: knownMethods(undefined),
  optIn: { server: false, client: false },
  ids,
  hasSpan: undefined,
};
const CLIENT: Pick<HttpMetricsOptions, "sideRules"> = { sideRules: [() => "client"] };

/** The metrics of some events, each twice: once before its series is known, once after. */
function measured(events: readonly HttpEvent[], options: Partial<HttpMetricsOptions> = {}) {
  const metrics = new HttpMetrics({ ...OPTIONS, ...options });
  for (let turn = 0; turn < 2; turn++) metrics.offerRaw(rawBatch(events));
  return readFamilies(metrics, "ever");
}

const familyOf = (families: HistogramFamily[], name: string) =>
  families.find(({ instrument }) => instrument.name === name)?.points ?? [];

const SERVER_DURATION = "http.server.request.duration";
const CLIENT_DURATION = "http.client.request.duration";

test("a server's duration is in seconds, in the buckets of the conventions, by the attributes of the conventions", () => {
  const [family] = measured([httpEvent({ durationNano: 30_000_000, host: "evil" })]);
  expect(family?.instrument).toMatchObject({
    name: SERVER_DURATION,
    unit: "s",
    bounds: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  });
  expect(family?.points).toEqual([
    {
      attributes: {
        "http.request.method": "GET",
        "url.scheme": "http",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "server.address": "10.0.0.2",
        "server.port": 8080,
      },
      counts: [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      count: 2,
      sum: 0.06,
      min: 0.03,
      max: 0.03,
      exemplars: [],
    },
  ]);
});

test("a client's names whom it asked", () => {
  const [family] = measured([httpEvent({ host: "api.local:81", status: 404 })], CLIENT);
  expect(family?.instrument.name).toBe(CLIENT_DURATION);
  expect(family?.points[0]?.attributes).toEqual({
    "http.request.method": "GET",
    "http.response.status_code": 404,
    "error.type": "404",
    "network.protocol.version": "1.1",
    "server.address": "api.local",
    "server.port": 81,
  });
});

test("with spans of both sides both are measured", () => {
  const names = measured([httpEvent()], { sideRules: [() => "client", () => "server"] });
  expect(names.map(({ instrument }) => instrument.name)).toEqual([SERVER_DURATION, CLIENT_DURATION]);
});

/** One row a rule: events that differ, and the value of the attribute of each series. */
test.each([
  ["methods", "http.request.method", [{ method: "GET" }, { method: "DELETE" }], ["GET", "DELETE"]],
  ["unknown methods are one", "http.request.method", [{ method: "FOO" }, { method: "BAR" }], ["_OTHER"]],
  ["statuses", "http.response.status_code", [{ status: 200 }, { status: 404 }], [200, 404]],
  ["no status is none", "http.response.status_code", [{ status: 0, outcome: "superseded" }], [undefined]],
  ["errors by status", "error.type", [{ status: 500 }, { status: 404 }], ["500", undefined]],
  ["errors by outcome", "error.type", [{ outcome: "reset" }, { outcome: "timeout" }], ["connection_reset", "timeout"]],
  ["versions", "network.protocol.version", [{ version: "1.0" }, { version: "1.1" }], ["1.0", "1.1"]],
  ["ports", "server.port", [{ server: { address: "::1", port: 1 } }, { server: { address: "::1", port: 2 } }], [1, 2]],
  [
    "addresses",
    "server.address",
    [{ server: { address: "::1", port: 1 } }, { server: { address: "10.0.0.1", port: 1 } }],
    ["::1", "10.0.0.1"],
  ],
  [
    "the scheme of an absolute target",
    "url.scheme",
    [{ path: "https://a/" }, { path: "http://a/" }, {}],
    ["https", "http"],
  ],
  ["paths make no series", "url.path", [{ path: "/a" }, { path: "/b" }], [undefined]],
  ["clients make no series", "client.address", [{}, { client: { address: "10.9.9.9", port: 1 } }], [undefined]],
] as [string, string, Partial<HttpEvent>[], unknown[]][])("series: %s", (_name, attribute, events, values) => {
  const points = familyOf(measured(events.map(httpEvent)), SERVER_DURATION);
  expect(points.map(({ attributes }) => attributes[attribute])).toEqual(values as never[]);
  expect(points.reduce((sum, { count }) => sum + count, 0)).toBe(events.length * 2);
});

test.each([
  ["a host with the scheme's port and without", [{ host: "a.b" }, { host: "a.b:80" }], [["a.b", 80]]],
  ["an absolute target wins over Host", [{ host: "x", path: "http://a.b/" }, { host: "a.b" }], [["a.b", 80]]],
  [
    "no host is the address",
    [{}, { host: "10.0.0.2" }],
    [
      ["10.0.0.2", 8080],
      ["10.0.0.2", 80],
    ],
  ],
] as [string, Partial<HttpEvent>[], [string, number][]][])("whom a client asked: %s", (_name, events, servers) => {
  const points = familyOf(measured(events.map(httpEvent), CLIENT), CLIENT_DURATION);
  expect(points.map(({ attributes }) => [attributes["server.address"], attributes["server.port"]])).toEqual(servers);
});

test("a configured template is the route of a server's, the template of a client's", () => {
  const template = "/users/{id}";
  const events = [{ path: "/users/1", template }, { path: "/users/2", template }, { path: "/x" }].map(httpEvent);
  const routes = familyOf(measured(events), SERVER_DURATION).map(({ attributes }) => attributes["http.route"]);
  expect(routes).toEqual([template, undefined]);
  const templates = familyOf(measured(events, CLIENT), CLIENT_DURATION).map(
    ({ attributes }) => attributes["url.template"],
  );
  expect(templates).toEqual([template, undefined]);
});

test("beyond the limit all share one series more, which says so, and nothing is lost", () => {
  const events = Array.from({ length: 50 }, (_, i) => httpEvent({ status: 200 + i }));
  const points = familyOf(measured(events, { seriesMax: 10 }), SERVER_DURATION);
  expect(points).toHaveLength(11);
  expect(points[10]).toMatchObject({ attributes: { "otel.metric.overflow": true }, count: 80 });
  expect(points.slice(0, 10).every(({ count }) => count === 2)).toBe(true);
});

test("clients that ask a million hosts cost no more than the limit", () => {
  const metrics = new HttpMetrics({ ...OPTIONS, ...CLIENT });
  for (let round = 0; round < 100; round++) {
    metrics.offerRaw(rawBatch(httpEvents(100).map((event, i) => ({ ...event, host: `h${round}-${i}` }))));
  }
  const points = familyOf(readFamilies(metrics, "ever"), CLIENT_DURATION);
  expect(points).toHaveLength(2001);
  expect(points[2000]).toMatchObject({ attributes: { "otel.metric.overflow": true }, count: 8000 });
});

test("sizes of bodies are measured when asked for, with the same attributes", () => {
  const events = [
    httpEvent({ requestBodyBytes: 7, responseBodyBytes: 5000 }),
    httpEvent({ status: 0, outcome: "reset" }),
  ];
  const families = measured(events, { optIn: { server: true, client: false } });
  const request = familyOf(families, "http.server.request.body.size");
  const response = familyOf(families, "http.server.response.body.size");
  expect(request.map(({ sum, count }) => [sum, count])).toEqual([
    [14, 2],
    [0, 2],
  ]);
  expect(response.map(({ sum, count }) => [sum, count])).toEqual([[10_000, 2]]);
  expect(response[0]?.attributes["http.response.status_code"]).toBe(200);
});

test("an exemplar points at the event's span, in the caller's trace or its own", () => {
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const metrics = new HttpMetrics({ ...OPTIONS, hasSpan: () => true });
  metrics.offerRaw(rawBatch([httpEvent({ seq: 7, traceparent, durationNano: 1_000_000 })]));
  metrics.offerRaw(rawBatch([httpEvent({ seq: 8, durationNano: 20_000_000_000 })]));
  const [point] = familyOf(readFamilies(metrics, "ever"), SERVER_DURATION);
  expect(point?.exemplars).toEqual([
    {
      value: 0.001,
      time: [1_790_000_000, 124_456_789],
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      spanId: ids.spanId(7, "server"),
    },
    { value: 20, time: [1_790_000_020, 123_456_789], traceId: ids.traceId(8), spanId: ids.spanId(8, "server") },
  ]);
});

test("an event without a span is no exemplar", () => {
  const [point] = familyOf(measured(httpEvents(100), { hasSpan: ({ seq }) => seq === 5 }), SERVER_DURATION);
  for (const exemplar of point?.exemplars ?? []) expect(exemplar.spanId).toBe(ids.spanId(5, "server"));
  expect(familyOf(measured(httpEvents(9), { hasSpan: () => false }), SERVER_DURATION)[0]?.exemplars).toEqual([]);
});
