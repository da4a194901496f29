/**
 * Holds a span as a collector received it against the conventions: what must be there, what may be, and what it may say.
 * Written from the specification, not from the exporter: it knows nothing of what Kernelcast captures.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/opentelemetry/proto/trace/v1/trace.proto
 */
import { isIP } from "node:net";
import type { AttributeValue, ReceivedSpan } from "./otlp.ts";

const KIND = { server: 2, client: 3 };
const STATUS = { unset: 0, error: 2 };
const FLAGS = { hasIsRemote: 0x100, isRemote: 0x200, reserved: 0xffff_fc00 };

const SECRETS =
  /(?:^|&)(?:AWSAccessKeyId|Signature|sig|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|X-Goog-Signature)=(?!REDACTED(?:&|$))/;

type Check = (value: AttributeValue) => boolean;

const text: Check = (value) => typeof value === "string" && value !== "";
const anyText: Check = (value) => typeof value === "string";
const count: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const port: Check = (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;
const ip: Check = (value) => typeof value === "string" && isIP(value) !== 0;
const host: Check = (value) => typeof value === "string" && /^[^\s/@[\]]+$/.test(value);

interface Rule {
  check: Check;
  /** On the span kinds where it may be: must it? */
  server?: "required" | "allowed";
  client?: "required" | "allowed";
}

const RULES: Readonly<Record<string, Rule>> = {
  "http.request.method": {
    check: (value) => value === "_OTHER" || /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/.test(String(value)),
    server: "required",
    client: "required",
  },
  "http.request.method_original": { check: text, server: "allowed", client: "allowed" },
  "http.response.status_code": {
    check: (value) => Number.isInteger(value) && Number(value) > 0 && Number(value) <= 999,
    server: "allowed",
    client: "allowed",
  },
  "http.route": { check: (value) => text(value) && !String(value).includes("?"), server: "allowed" },
  "http.request.body.size": { check: count, server: "allowed", client: "allowed" },
  "http.response.body.size": { check: count, server: "allowed", client: "allowed" },
  "error.type": { check: text, server: "allowed", client: "allowed" },
  "url.scheme": { check: (value) => value === "http" || value === "https", server: "required" },
  "url.path": { check: (value) => typeof value === "string" && !value.includes("?"), server: "required" },
  "url.query": {
    check: (value) => typeof value === "string" && !value.startsWith("?") && !SECRETS.test(value),
    server: "allowed",
  },
  "url.full": { check: isFullUrl, client: "required" },
  "url.template": { check: text, client: "allowed" },
  "server.address": { check: host, server: "required", client: "required" },
  "server.port": { check: port, server: "required", client: "required" },
  "client.address": { check: host, server: "allowed" },
  "network.peer.address": { check: ip, server: "allowed", client: "allowed" },
  "network.peer.port": { check: port, server: "allowed", client: "allowed" },
  "network.local.address": { check: ip, server: "allowed", client: "allowed" },
  "network.local.port": { check: port, server: "allowed", client: "allowed" },
  "network.protocol.version": {
    check: (value) => ["1.0", "1.1", "2", "3"].includes(String(value)),
    server: "allowed",
    client: "allowed",
  },
  "user_agent.original": { check: anyText, server: "allowed" },
  "kernelcast.url.path.truncated": { check: (value) => value === true, server: "allowed", client: "allowed" },
};

/** Every way in which the span breaks the rules; none when it keeps them all. */
function violations(span: ReceivedSpan): string[] {
  const found: string[] = [];
  const must = (holds: boolean, rule: string) => {
    if (!holds) found.push(`${span.name || "a span"} ${span.spanId}: ${rule}`);
  };
  checkIdentity(span, must);
  checkAttributes(span, must);
  checkStatus(span, must);
  checkOrigin(span, must);
  return found;
}

type Must = (holds: boolean, rule: string) => void;

function checkIdentity(span: ReceivedSpan, must: Must): void {
  must(/^(?!0{32})[\da-f]{32}$/.test(span.traceId), `trace id ${span.traceId} is 16 bytes, not all zero`);
  must(/^(?!0{16})[\da-f]{16}$/.test(span.spanId), `span id ${span.spanId} is 8 bytes, not all zero`);
  must(
    /^$|^(?!0{16})[\da-f]{16}$/.test(span.parentSpanId),
    `parent ${span.parentSpanId} is empty or 8 bytes, not all zero`,
  );
  must(span.parentSpanId !== span.spanId, "a span is not its own parent");
  must(span.kind === KIND.server || span.kind === KIND.client, `kind ${span.kind} is SERVER or CLIENT`);
  must(span.startTimeUnixNano > 0n, "it has a start");
  must(span.endTimeUnixNano >= span.startTimeUnixNano, "its end is not before its start");
  must((span.flags & FLAGS.reserved) === 0, `flags 0x${span.flags.toString(16)} leave bits 10 to 31 zero`);
  must((span.flags & FLAGS.hasIsRemote) !== 0, "flags say whether the parent is remote");
  const isRemote = (span.flags & FLAGS.isRemote) !== 0;
  must(isRemote === (span.parentSpanId !== ""), "the parent is remote if there is one: it is another process's");
  must((span.flags & 1) === 1, "what is exported was sampled, and its flags say so");
  must(span.events === 0 && span.links === 0, "nothing on the wire is an event or a link");
  const method = span.attributes["http.request.method"];
  const target = span.attributes[span.kind === KIND.server ? "http.route" : "url.template"];
  const name = [method === "_OTHER" ? "HTTP" : method, target].filter((part) => part !== undefined).join(" ");
  must(span.name === name, `its name is "${name}": the method, and a target only if it is of low cardinality`);
}

function checkAttributes(span: ReceivedSpan, must: Must): void {
  const side = span.kind === KIND.server ? "server" : "client";
  for (const [name, value] of Object.entries(span.attributes)) {
    const rule = RULES[name];
    must(rule?.[side] !== undefined, `${name} is an attribute of a ${side} span`);
    if (rule !== undefined) must(rule.check(value), `${name} may not be ${JSON.stringify(value)}`);
  }
  if (span.droppedAttributes > 0) return;
  for (const [name, rule] of Object.entries(RULES)) {
    if (rule[side] === "required") must(name in span.attributes, `${name} is required of a ${side} span`);
  }
  const method = span.attributes["http.request.method"];
  const original = span.attributes["http.request.method_original"];
  must(
    (method === "_OTHER") === (original !== undefined),
    "the original method is there if, and only if, it is _OTHER",
  );
  for (const address of ["server", "network.peer", "network.local"]) {
    const has = (part: string) => `${address}.${part}` in span.attributes;
    must(has("address") === has("port"), `${address} has both address and port, or neither`);
  }
}

function checkStatus(span: ReceivedSpan, must: Must): void {
  must(span.statusCode === STATUS.unset || span.statusCode === STATUS.error, "status is unset or an error, never OK");
  must(span.statusMessage === "", "a status that can be inferred has no description");
  const isError = span.statusCode === STATUS.error;
  const error = span.attributes["error.type"];
  if (span.droppedAttributes === 0)
    must(isError === (error !== undefined), "error.type is there if, and only if, the status is an error");
  const status = Number(span.attributes["http.response.status_code"] ?? 0);
  const isErrorStatus = status >= (span.kind === KIND.client ? 400 : 500) || (status > 0 && status < 100);
  if (isErrorStatus) must(isError && error === String(status), `status ${status} is an error of that type`);
  else must(!/^\d+$/.test(String(error)), `error.type ${error} is no status code, since ${status} is no error`);
}

function checkOrigin({ scope, resource, resourceSchemaUrl }: ReceivedSpan, must: Must): void {
  const schema = /^https:\/\/opentelemetry\.io\/schemas\/1\.\d+\.\d+$/;
  must(scope.name !== "" && scope.version !== "", "the scope has a name and a version");
  must(schema.test(scope.schemaUrl), `the scope's schema URL ${scope.schemaUrl} is one of OpenTelemetry's`);
  must(schema.test(resourceSchemaUrl), `the resource's schema URL ${resourceSchemaUrl} is one of OpenTelemetry's`);
  for (const name of ["service.name", "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version"]) {
    must(text(resource[name] ?? ""), `the resource has ${name}`);
  }
}

function isFullUrl(value: AttributeValue): boolean {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { protocol, username, password, search } = new URL(value);
  const isHidden = (part: string) => part === "" || part === "REDACTED";
  return /^https?:$/.test(protocol) && isHidden(username) && isHidden(password) && !SECRETS.test(search.slice(1));
}

export { violations };
