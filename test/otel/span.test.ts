import { expect, test } from "bun:test";
import { type SpanContext, SpanKind } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { HttpEvent } from "../../ffi/event.ts";
import { IdGenerator } from "../../otel/ids.ts";
import { knownMethods } from "../../otel/method.ts";
import { createSpanFactory, type SpanFactoryOptions } from "../../otel/span.ts";
import { httpEvent } from "./support/events.ts";

const resource = resourceFromAttributes({});

const OPTIONS: SpanFactoryOptions = {
  resource,
  version: "1.2.3",
  ids: new IdGenerator(),
  knownMethods: knownMethods(undefined),
  sideOf: () => "server",
  underClientSpan: false,
  optIn: { server: false, client: false },
  limits: undefined,
};

const spanOf = (changes: Partial<HttpEvent>) => createSpanFactory(OPTIONS)(httpEvent(changes));

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

test.each([[undefined], [TRACEPARENT]])(
  "of both spans the client's is the server's parent, and the caller's child (traceparent %p)",
  (traceparent) => {
    const event = httpEvent(traceparent === undefined ? {} : { traceparent });
    const [client, server] = (["client", "server"] as const).map((side) =>
      createSpanFactory({ ...OPTIONS, sideOf: () => side, underClientSpan: true })(event),
    );
    expect(client?.spanContext().traceId).toBe(server?.spanContext().traceId ?? "");
    expect(client?.parentSpanContext?.spanId).toBe(traceparent?.split("-")[2]);
    expect(server?.parentSpanContext).toEqual({ ...client?.spanContext(), isRemote: true } as SpanContext);
    expect(server?.spanContext().spanId).not.toBe(client?.spanContext().spanId ?? "");
  },
);
