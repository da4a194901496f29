import { expect, test } from "bun:test";
import type { ReceivedSpan } from "./support/otlp.ts";
import { violations } from "./support/validator.ts";

const RESOURCE = {
  "service.name": "kernelcast",
  "telemetry.sdk.name": "opentelemetry",
  "telemetry.sdk.language": "nodejs",
  "telemetry.sdk.version": "3.1.0",
};
const SCHEMA = "https://opentelemetry.io/schemas/1.44.0";

const SERVER: ReceivedSpan = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  parentSpanId: "",
  traceState: "",
  name: "GET",
  kind: 2,
  startTimeUnixNano: 1n,
  endTimeUnixNano: 2n,
  flags: 0x101,
  statusCode: 0,
  statusMessage: "",
  attributes: {
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "url.scheme": "http",
    "url.path": "/",
    "server.address": "a.b",
    "server.port": 80,
    "network.peer.address": "10.0.0.7",
    "network.peer.port": 1,
  },
  droppedAttributes: 0,
  events: 0,
  links: 0,
  resource: RESOURCE,
  resourceSchemaUrl: SCHEMA,
  scope: { name: "kernelcast", version: "1", schemaUrl: SCHEMA },
};
const CLIENT: ReceivedSpan = {
  ...SERVER,
  kind: 3,
  attributes: {
    "http.request.method": "GET",
    "url.full": "http://a.b/",
    "server.address": "a.b",
    "server.port": 80,
  },
};

const server = (attributes: ReceivedSpan["attributes"], changes: Partial<ReceivedSpan> = {}): ReceivedSpan => ({
  ...SERVER,
  ...changes,
  attributes: { ...SERVER.attributes, ...attributes },
});
const client = (attributes: ReceivedSpan["attributes"], changes: Partial<ReceivedSpan> = {}): ReceivedSpan => ({
  ...CLIENT,
  ...changes,
  attributes: { ...CLIENT.attributes, ...attributes },
});
const without = (span: ReceivedSpan, name: string): ReceivedSpan => {
  const { [name]: _, ...attributes } = span.attributes;
  return { ...span, attributes };
};
const ERROR = { statusCode: 2 };

test.each([
  ["a server's", SERVER],
  ["a client's", CLIENT],
  ["one with a parent", { ...SERVER, parentSpanId: "00f067aa0ba902b8", flags: 0x301 }],
  ["one with a route", server({ "http.route": "/x/{id}" }, { name: "GET /x/{id}" })],
  [
    "one of another method",
    server({ "http.request.method": "_OTHER", "http.request.method_original": "X" }, { name: "HTTP" }),
  ],
  ["one with a server's error", server({ "http.response.status_code": 500, "error.type": "500" }, ERROR)],
  ["one with a client's error", client({ "http.response.status_code": 404, "error.type": "404" }, ERROR)],
  ["one of a cut connection", without(server({ "error.type": "timeout" }, ERROR), "http.response.status_code")],
  [
    "one whose attributes were limited",
    { ...SERVER, attributes: { "http.request.method": "GET" }, droppedAttributes: 7 },
  ],
] as [string, ReceivedSpan][])("%s span keeps the rules", (_name, span) => {
  expect(violations(span)).toEqual([]);
});

/** One thing wrong in each. */
test.each([
  ["a trace id of zeros", { ...SERVER, traceId: "0".repeat(32) }],
  ["a short trace id", { ...SERVER, traceId: "ab" }],
  ["a span id of zeros", { ...SERVER, spanId: "0".repeat(16) }],
  ["a parent of zeros", { ...SERVER, parentSpanId: "0".repeat(16), flags: 0x301 }],
  ["itself as its parent", { ...SERVER, parentSpanId: SERVER.spanId, flags: 0x301 }],
  ["kind INTERNAL", { ...SERVER, kind: 1 }],
  ["no start", { ...SERVER, startTimeUnixNano: 0n }],
  ["an end before its start", { ...SERVER, endTimeUnixNano: 0n }],
  ["a reserved flag", { ...SERVER, flags: 0x501 }],
  ["flags that do not say if the parent is remote", { ...SERVER, flags: 1 }],
  ["a remote parent and no parent", { ...SERVER, flags: 0x301 }],
  ["a parent that is not remote", { ...SERVER, parentSpanId: "00f067aa0ba902b8" }],
  ["no sampled flag", { ...SERVER, flags: 0x100 }],
  ["an event", { ...SERVER, events: 1 }],
  ["a link", { ...SERVER, links: 1 }],
  ["the path as its name", { ...SERVER, name: "GET /" }],
  ["no name", { ...SERVER, name: "" }],
  ["a route that its name leaves out", server({ "http.route": "/x" })],
  ["an attribute nobody knows", server({ "http.url": "http://a.b/" })],
  ["a client's attribute on a server's span", server({ "url.full": "http://a.b/" })],
  ["a server's attribute on a client's span", client({ "url.path": "/" })],
  ...Object.keys(SERVER.attributes)
    .filter((name) => name !== "http.response.status_code")
    .map((name) => [`${name} missing`, without(SERVER, name)]),
  ["url.full missing", without(CLIENT, "url.full")],
  ["a status as text", server({ "http.response.status_code": "200" })],
  ["a port as text", server({ "server.port": "80" })],
  ["a port out of range", server({ "server.port": 0 })],
  ["an address with its port", server({ "server.address": "a.b:80/" })],
  ["a peer that is no address", server({ "network.peer.address": "a.b" })],
  ["a path with a query", server({ "url.path": "/?a" })],
  ["a query with a question mark", server({ "url.query": "?a" })],
  ["a secret in the query", server({ "url.query": "a=1&sig=x" })],
  ["a secret in the URL", client({ "url.full": "http://a.b/?sig=x" })],
  ["a password in the URL", client({ "url.full": "http://u:p@a.b/" })],
  ["a URL that is none", client({ "url.full": "/p" })],
  ["a protocol version with its name", server({ "network.protocol.version": "HTTP/1.1" })],
  ["an original method beside a known one", server({ "http.request.method_original": "X" })],
  ["_OTHER without the original", server({ "http.request.method": "_OTHER" }, { name: "HTTP" })],
  ["status OK", { ...SERVER, statusCode: 1 }],
  ["a description", { ...SERVER, statusMessage: "fine" }],
  ["an error without a type", { ...SERVER, ...ERROR }],
  ["a type without an error", server({ "error.type": "timeout" })],
  ["500 without an error", server({ "http.response.status_code": 500 })],
  ["500 of another type", server({ "http.response.status_code": 500, "error.type": "timeout" }, ERROR)],
  ["a client's 404 without an error", client({ "http.response.status_code": 404 })],
  ["a server's 404 as an error", server({ "http.response.status_code": 404, "error.type": "404" }, ERROR)],
  ["a scope without a version", { ...SERVER, scope: { ...SERVER.scope, version: "" } }],
  ["a scope without a schema", { ...SERVER, scope: { ...SERVER.scope, schemaUrl: "" } }],
  ["a resource without a schema", { ...SERVER, resourceSchemaUrl: "" }],
  ["a resource without service.name", { ...SERVER, resource: { ...RESOURCE, "service.name": "" } }],
] as [string, ReceivedSpan][])("a span with %s breaks one", (_name, span) => {
  expect(violations(span)).not.toEqual([]);
});
