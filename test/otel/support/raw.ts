import { clockOffset } from "../../../ffi/clock.ts";
import type { HttpEvent, RawHttpBatch, ReportedPath } from "../../../ffi/event.ts";
import { HttpCursor } from "../../../ffi/http-cursor.ts";
import { TargetPolicy } from "../../../ffi/target-policy.ts";
import { type HttpFields, httpBatch, ipv4, ipv6, OUTCOME } from "../../ffi/support/ring.ts";

const CLOCK = clockOffset(0n);

/** Gives each path the template that its event was made with, whether it fits or not. */
class GivenTemplates extends TargetPolicy {
  readonly #templates: ReadonlyMap<string, string | undefined>;

  constructor(events: readonly HttpEvent[]) {
    super({ templates: ["/never/{met}"] });
    this.#templates = new Map(events.map(({ path, template }) => [path, template]));
  }

  override path(text: string): ReportedPath {
    const template = this.#templates.get(text);
    return template === undefined ? { path: text } : { path: text, template };
  }
}

/** Events as the kernel would have written them, numbered on from the first. */
function rawBatch(events: readonly HttpEvent[]): RawHttpBatch {
  const hasTemplates = events.some(({ template }) => template !== undefined);
  const cursor = new HttpCursor(hasTemplates ? new GivenTemplates(events) : new TargetPolicy());
  cursor.open(httpBatch(events.map(fields)), events[0]?.seq ?? 1, CLOCK);
  return cursor;
}

function fields(event: HttpEvent): HttpFields {
  const startNs = BigInt(event.startTimeUnixNano);
  const { answeredBy, query, timeToFirstByteNano = event.status === 0 ? undefined : 0 } = event;
  return {
    startNs,
    ...(timeToFirstByteNano === undefined ? {} : { firstByteNs: startNs + BigInt(timeToFirstByteNano) }),
    endNs: startNs + BigInt(event.durationNano),
    requestHeaderBytes: event.requestHeaderBytes,
    requestBodyBytes: BigInt(event.requestBodyBytes),
    responseHeaderBytes: event.responseHeaderBytes ?? 0,
    responseBodyBytes: BigInt(event.responseBodyBytes ?? 0),
    client: addressBytes(event.client.address),
    server: addressBytes(event.server.address),
    ...(answeredBy === undefined ? {} : { answered: addressBytes(answeredBy.address), answeredPort: answeredBy.port }),
    clientPort: event.client.port,
    serverPort: event.server.port,
    status: event.status,
    version: event.version === "1.0" ? 1 : 2,
    outcome: OUTCOME[`HTTP_OUTCOME_${event.outcome.toUpperCase()}` as keyof typeof OUTCOME],
    truncated: event.pathTruncated,
    method: event.method,
    target: query === undefined ? event.path : `${event.path}?${query}`,
    pathLength: Buffer.byteLength(event.path),
    ...(event.host === undefined ? {} : { host: event.host }),
    ...(event.userAgent === undefined ? {} : { userAgent: event.userAgent }),
    ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
    ...(event.tracestate === undefined ? {} : { tracestate: event.tracestate }),
  };
}

function addressBytes(address: string): Uint8Array {
  if (!address.includes(":")) return ipv4(...(address.split(".").map(Number) as [number, number, number, number]));
  const [left = [], right = []] = address
    .split("::")
    .map((part) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16))));
  return ipv6(...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right);
}

export { rawBatch };
