/**
 * The rules of the HTTP conventions as cases: an event, and what its span must then be. One row a rule, in the order of the
 * specification. Each is also run through the fast encoder, the slow one, and the validator.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md
 */
import type { HttpEvent } from "../../../ffi/event.ts";
import type { Environment } from "../../../otel/settings.ts";
import type { SpanSide } from "../../../otel/side.ts";
import type { AttributeValue } from "./otlp.ts";

interface ConventionCase {
  rule: string;
  side: SpanSide;
  event: Partial<HttpEvent>;
  env: Environment;
  /** What is not named is not looked at; an attribute that must be absent is undefined. */
  expected: {
    name?: string;
    kind?: "SERVER" | "CLIENT";
    status?: "unset" | "error";
    attributes?: Record<string, AttributeValue | undefined>;
    parent?: string;
    traceId?: string;
    traceState?: string;
    flags?: number;
    droppedAttributes?: number;
  };
}

type Row = [rule: string, event: Partial<HttpEvent>, expected: ConventionCase["expected"], env?: Environment];
type AttributeRow = [
  rule: string,
  event: Partial<HttpEvent>,
  attributes: Record<string, AttributeValue | undefined>,
  env?: Environment,
];

const asCase =
  (side: SpanSide) =>
  ([rule, event, expected, env = {}]: Row): ConventionCase => ({
    rule: `${side}: ${rule}`,
    side,
    event,
    env,
    expected,
  });
const asAttributeCase =
  (side: SpanSide) =>
  ([rule, event, attributes, env]: AttributeRow): ConventionCase =>
    asCase(side)([rule, event, { attributes }, env ?? {}]);

const KNOWN_METHODS = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";

/** Of either side. */
const NAMES: Row[] = [
  ["a known method names the span, and no path does", { method: "POST" }, { name: "POST" }],
  ["a method that is not known is called HTTP", { method: "PROPFIND" }, { name: "HTTP" }],
  ["the template follows the method", { template: "/users/{id}" }, { name: "GET /users/{id}" }],
  ["it follows HTTP too", { method: "MKCOL", template: "/{dir}" }, { name: "HTTP /{dir}" }],
];

const METHODS: AttributeRow[] = [
  ...["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"].map(
    (method): AttributeRow => [
      `${method} is known, and has no original`,
      { method, ...(method === "CONNECT" ? { path: "h.example:443" } : {}) },
      { "http.request.method": method, "http.request.method_original": undefined },
    ],
  ),
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
  [
    "the list of known methods can be set",
    { method: "PROPFIND" },
    { "http.request.method": "PROPFIND" },
    { [KNOWN_METHODS]: "GET, PROPFIND" },
  ],
  [
    "a list that is set replaces the other wholly",
    { method: "POST" },
    { "http.request.method": "_OTHER", "http.request.method_original": "POST" },
    { [KNOWN_METHODS]: "GET" },
  ],
  ["a list that is blank is none", { method: "POST" }, { "http.request.method": "POST" }, { [KNOWN_METHODS]: " " }],
];

const SERVER_ADDRESS: AttributeRow[] = [
  ["Host gives the server", { host: "a.b:81" }, { "server.address": "a.b", "server.port": 81 }],
  ["Host without a port means the scheme's", { host: "a.b" }, { "server.address": "a.b", "server.port": 80 }],
  ["a Host of IPv6 loses its brackets", { host: "[::1]:8081" }, { "server.address": "::1", "server.port": 8081 }],
  [
    "an absolute target names the server, before Host",
    { path: "HTTPS://h.example/p", host: "other:1" },
    { "server.address": "h.example", "server.port": 443 },
  ],
  [
    "CONNECT names the server",
    { method: "CONNECT", path: "h.example:443", host: "proxy" },
    { "server.address": "h.example", "server.port": 443 },
  ],
  ["without Host it is the endpoint that was reached", {}, { "server.address": "10.0.0.2", "server.port": 8080 }],
  ["so it is with a Host that is none", { host: "a b:9" }, { "server.address": "10.0.0.2", "server.port": 8080 }],
  ["so it is with a port out of range", { host: "a:99999" }, { "server.address": "10.0.0.2", "server.port": 8080 }],
  [
    "a target cut within its host does not name the server",
    { path: "http://h.exam", pathTruncated: true, host: "h.example" },
    { "server.address": "h.example" },
  ],
];

const COMMON: AttributeRow[] = [
  ["a status is a number", { status: 404 }, { "http.response.status_code": 404 }],
  ["no status when no response was seen", { status: 0, outcome: "closed" }, { "http.response.status_code": undefined }],
  ["the protocol version is the bare number", { version: "1.0" }, { "network.protocol.version": "1.0" }],
  ["the protocol is not named when it is http", {}, { "network.protocol.name": undefined }],
  ["a cut path says so", { pathTruncated: true }, { "kernelcast.url.path.truncated": true }],
  ["a whole path does not", {}, { "kernelcast.url.path.truncated": undefined }],
  [
    "sizes of bodies are opt-in",
    { requestBodyBytes: 5, responseBodyBytes: 6 },
    { "http.request.body.size": undefined, "http.response.body.size": undefined },
  ],
  ["headers are never recorded of themselves", { host: "a" }, { "http.request.header.host": undefined }],
];

const SERVER: AttributeRow[] = [
  ["url.path is the path", { path: "/a/b%20c" }, { "url.path": "/a/b%20c" }],
  ["an absolute target gives its path", { path: "http://h.example:81/p/q" }, { "url.path": "/p/q" }],
  ["an absolute target without a path has the root's", { path: "http://h.example" }, { "url.path": "/" }],
  ["CONNECT has no path", { method: "CONNECT", path: "h.example:443" }, { "url.path": "" }],
  ["OPTIONS * keeps the asterisk", { method: "OPTIONS", path: "*" }, { "url.path": "*" }],
  ["credentials in a target are dropped", { path: "http://u:p@h.example/p" }, { "url.path": "/p" }],
  ["url.scheme is the connection's", {}, { "url.scheme": "http" }],
  ["url.scheme is that of an absolute target", { path: "https://h.example/" }, { "url.scheme": "https" }],
  ["no url.query when it was not captured", {}, { "url.query": undefined }],
  ["url.query has no question mark", { query: "a=1" }, { "url.query": "a=1" }],
  ...[
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
  ].map(
    (key): AttributeRow => [
      `the value of ${key} is redacted, its key kept`,
      { query: `a=1&${key}=secret` },
      { "url.query": `a=1&${key}=REDACTED` },
    ],
  ),
  ["a key that only resembles one is left alone", { query: "design=1" }, { "url.query": "design=1" }],
  ["http.route is a configured template", { template: "/users/{id}" }, { "http.route": "/users/{id}" }],
  ["http.route is never made up from the path", { path: "/users/42" }, { "http.route": undefined }],
  ["client.address is the peer's", {}, { "client.address": "10.0.0.7", "client.port": undefined }],
  ["the network peer is the client", {}, { "network.peer.address": "10.0.0.7", "network.peer.port": 51_514 }],
  ["the local end is the socket's, whatever Host says", { host: "a.b" }, { "network.local.port": 8080 }],
  [
    "the local end is the server behind a NAT",
    { answeredBy: { address: "172.17.0.2", port: 80 } },
    { "network.local.address": "172.17.0.2", "network.local.port": 80 },
  ],
  ["user_agent.original is there if it was sent", { userAgent: "curl/8" }, { "user_agent.original": "curl/8" }],
  ["and not if it was not", {}, { "user_agent.original": undefined }],
  ["url.full is the client's", {}, { "url.full": undefined }],
];

const CLIENT: AttributeRow[] = [
  ["url.full is what was asked for", { host: "a.b:81", path: "/p" }, { "url.full": "http://a.b:81/p" }],
  ["url.full leaves out the scheme's port", { host: "a.b:80", path: "/p" }, { "url.full": "http://a.b/p" }],
  ["url.full has the query", { host: "a.b", path: "/p", query: "x=1" }, { "url.full": "http://a.b/p?x=1" }],
  [
    "secrets are redacted there too",
    { host: "a.b", path: "/", query: "sig=1" },
    { "url.full": "http://a.b/?sig=REDACTED" },
  ],
  [
    "user information reads REDACTED:REDACTED",
    { path: "http://user:secret@h.example/p" },
    { "url.full": "http://REDACTED:REDACTED@h.example/p" },
  ],
  [
    "so it does without a password",
    { path: "http://user@h.example/p" },
    { "url.full": "http://REDACTED:REDACTED@h.example/p" },
  ],
  ["without Host url.full has the address", { path: "/p" }, { "url.full": "http://10.0.0.2:8080/p" }],
  ["url.full of OPTIONS * has no path", { method: "OPTIONS", path: "*", host: "a.b" }, { "url.full": "http://a.b" }],
  ["url.template is a configured template", { template: "/users/{id}" }, { "url.template": "/users/{id}" }],
  ["http.route is the server's", { template: "/users/{id}" }, { "http.route": undefined }],
  ["the network peer is the server", {}, { "network.peer.address": "10.0.0.2", "network.peer.port": 8080 }],
  [
    "url.scheme, url.path and url.query are the server's",
    { query: "a=1" },
    { "url.scheme": undefined, "url.path": undefined, "url.query": undefined },
  ],
  ["client.address is the server's", {}, { "client.address": undefined, "network.local.address": undefined }],
  ["user_agent.original is opt-in", { userAgent: "curl/8" }, { "user_agent.original": undefined }],
];

const SIZES = (side: "SERVER" | "CLIENT") => ({
  [`OTEL_INSTRUMENTATION_HTTP_${side}_EMIT_EXPERIMENTAL_TELEMETRY`]: "true",
});
const sizeRows = (side: "SERVER" | "CLIENT"): AttributeRow[] => [
  [
    "sizes of bodies are there when asked for",
    { requestBodyBytes: 5, responseBodyBytes: 6 },
    { "http.request.body.size": 5, "http.response.body.size": 6 },
    SIZES(side),
  ],
  [
    "the size of a response that never came is not",
    { status: 0, outcome: "reset" },
    { "http.request.body.size": 0, "http.response.body.size": undefined },
    SIZES(side),
  ],
  [
    "asking for the other side's does not ask for this one's",
    { requestBodyBytes: 5 },
    { "http.request.body.size": undefined },
    SIZES(side === "SERVER" ? "CLIENT" : "SERVER"),
  ],
];

const UNSET = { status: "unset", attributes: { "error.type": undefined } } as const;
const failed = (type: string) => ({ status: "error", attributes: { "error.type": type } }) as const;

const STATUS: Row[] = [
  ...[101, 200, 204, 301, 304, 399].map(
    (status): Row => [
      `${status} leaves the status unset`,
      { status, ...(status === 101 ? { outcome: "upgraded" } : {}) },
      UNSET,
    ],
  ),
  ...[500, 503, 599].map((status): Row => [`${status} is an error of that type`, { status }, failed(String(status))]),
  ["a code that HTTP does not define is an error", { status: 999 }, failed("999")],
  ["no response until FIN", { status: 0, outcome: "closed" }, failed("connection_closed")],
  ["no response until RST", { status: 0, outcome: "reset" }, failed("connection_reset")],
  ["no response until the time-out", { status: 0, outcome: "timeout" }, failed("timeout")],
  ["a response cut by FIN", { status: 200, outcome: "closed" }, failed("connection_closed")],
  ["a response cut by RST", { status: 200, outcome: "reset" }, failed("connection_reset")],
  ["a response that stalls", { status: 200, outcome: "timeout" }, failed("timeout")],
  ["a 5xx that was cut keeps the code", { status: 502, outcome: "reset" }, failed("502")],
  ["superseded is our miss, not their error", { status: 200, outcome: "superseded" }, UNSET],
  ["superseded without a response neither", { status: 0, outcome: "superseded" }, UNSET],
];
const SERVER_STATUS: Row[] = [
  ...[400, 404, 499].map((status): Row => [`${status} is the client's error`, { status }, UNSET]),
  ["a 4xx that was cut is an error", { status: 404, outcome: "reset" }, failed("connection_reset")],
];
const CLIENT_STATUS: Row[] = [
  ...[400, 404, 499].map((status): Row => [`${status} is an error of that type`, { status }, failed(String(status))]),
  ["a 4xx that was cut keeps the code", { status: 404, outcome: "reset" }, failed("404")],
];

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const REMOTE = 0x300;
const ROOT = 0x100;
const ALWAYS = { OTEL_TRACES_SAMPLER: "always_on" };
const joins = (flags: number) => ({ traceId: TRACE, parent: PARENT, flags: REMOTE | flags });
const begins = { parent: "", flags: ROOT | 1 };

const CALLER = { traceparent: `00-${TRACE}-${PARENT}-01` };
const states = (traceState: string) => ({ ...joins(1), traceState });

const CONTEXT: Row[] = [
  [
    "a traceparent is joined, its span the parent, which is remote",
    { traceparent: `00-${TRACE}-${PARENT}-01` },
    joins(1),
  ],
  ["the random flag goes on", { traceparent: `00-${TRACE}-${PARENT}-03` }, joins(3)],
  ["flags that are not known do not", { traceparent: `00-${TRACE}-${PARENT}-fd` }, joins(1)],
  [
    "a span that was sampled says so, whatever its parent",
    { traceparent: `00-${TRACE}-${PARENT}-00` },
    joins(1),
    ALWAYS,
  ],
  ["a later version is read as far as it is known", { traceparent: `cc-${TRACE}-${PARENT}-01-more` }, joins(1)],
  ["without one a trace begins", {}, begins],
  ["what vendors say of the trace goes on", { ...CALLER, tracestate: "ot=th:c, vendor=x" }, states("ot=th:c,vendor=x")],
  ["members that are not valid do not", { ...CALLER, tracestate: "ot=th:c,==,vendor" }, states("ot=th:c")],
  ["nor a list without one that is", { ...CALLER, tracestate: "?" }, joins(1)],
  ["nor one without a caller", { tracestate: "ot=th:c" }, begins],
  ...[
    ["version ff", `ff-${TRACE}-${PARENT}-01`],
    ["a trace id of zeros", `00-${"0".repeat(32)}-${PARENT}-01`],
    ["a span id of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["upper case", `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ["version 00 with more fields", `00-${TRACE}-${PARENT}-01-x`],
    ["one cut short", `00-${TRACE}-${PARENT}`],
    ["text", "not-a-traceparent"],
  ].map(([what, traceparent = ""]): Row => [`a traceparent is ignored: ${what}`, { traceparent }, begins]),
];

const LIMITS: Row[] = [
  [
    "attributes beyond the limit are dropped and counted",
    {},
    { droppedAttributes: 1 },
    { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "11" },
  ],
  [
    "values beyond the limit are cut",
    { userAgent: "Mozilla/5.0", host: "a.b" },
    { attributes: { "user_agent.original": "Mozil", "url.path": "/user", "server.port": 80 }, droppedAttributes: 0 },
    { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: "5" },
  ],
];

const server = asCase("server");
const client = asCase("client");
const onServer = asAttributeCase("server");
const onClient = asAttributeCase("client");

const CASES: readonly ConventionCase[] = [
  server(["a server's span is of kind SERVER", {}, { kind: "SERVER" }]),
  client(["a client's span is of kind CLIENT", {}, { kind: "CLIENT" }]),
  ...NAMES.flatMap((row) => [server(row), client(row)]),
  ...[...METHODS, ...SERVER_ADDRESS, ...COMMON].flatMap((row) => [onServer(row), onClient(row)]),
  ...SERVER.map(onServer),
  ...CLIENT.map(onClient),
  ...sizeRows("SERVER").map(onServer),
  ...sizeRows("CLIENT").map(onClient),
  ...[...STATUS, ...CONTEXT].flatMap((row) => [server(row), client(row)]),
  ...SERVER_STATUS.map(server),
  ...CLIENT_STATUS.map(client),
  ...LIMITS.map(server),
];

export { CASES, type ConventionCase };
