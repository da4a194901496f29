/**
 * The attributes of HTTP spans, as far as the wire shows them.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md
 * @module
 */
import type { Attributes } from "@opentelemetry/api";
import type { Endpoint, HttpEvent } from "../ffi/event.ts";
import { parseAuthority } from "./authority.ts";
import { OTHER_METHOD } from "./method.ts";
import * as semconv from "./semconv.ts";
import type { SpanSide } from "./side.ts";
import { parseTarget, type RequestTarget } from "./target.ts";
import { fullUrl } from "./url.ts";

interface AttributeOptions {
  side: SpanSide;
  /** `event.method` or `_OTHER`. */
  method: string;
  /** The value of `error.type`, undefined for success. */
  error: string | undefined;
  /** Also the sizes of the bodies, which are opt-in. */
  bodySizes: boolean;
}

/**
 * The attributes stand in groups, each of which depends on what its comment names and on nothing else of an event: so whoever
 * encodes many events can keep what a group came to for as long as that repeats (see `span-encoder.ts`).
 */
function spanAttributes(event: HttpEvent, options: AttributeOptions): Attributes {
  const { side, bodySizes } = options;
  const target = parseTarget(event);
  return {
    ...exchangeAttributes(event, target.scheme, options),
    ...serverAttributes(event, target, side),
    ...clientAttributes(event, side),
    ...userAgentAttributes(event, side),
    ...transferAttributes(event, side, bodySizes),
    ...targetAttributes(event, target, side),
  };
}

/**
 * Of method, status, outcome, version, the flag of a cut path, the template, and the target's scheme. `url.template` is opt-in;
 * whoever configures templates wants them.
 */
function exchangeAttributes(
  event: HttpEvent,
  scheme: string,
  { side, method, error }: Pick<AttributeOptions, "side" | "method" | "error">,
): Attributes {
  const { template } = event;
  const attributes: Attributes = { [semconv.ATTR_HTTP_REQUEST_METHOD]: method };
  if (method === OTHER_METHOD) attributes[semconv.ATTR_HTTP_REQUEST_METHOD_ORIGINAL] = event.method;
  if (event.status !== 0) attributes[semconv.ATTR_HTTP_RESPONSE_STATUS_CODE] = event.status;
  if (error !== undefined) attributes[semconv.ATTR_ERROR_TYPE] = error;
  if (side === "server") attributes[semconv.ATTR_URL_SCHEME] = scheme;
  if (template !== undefined) {
    attributes[side === "server" ? semconv.ATTR_HTTP_ROUTE : semconv.ATTR_URL_TEMPLATE] = template;
  }
  if (event.version) attributes[semconv.ATTR_NETWORK_PROTOCOL_VERSION] = event.version;
  if (event.pathTruncated) attributes[semconv.ATTR_PATH_TRUNCATED] = true;
  return attributes;
}

/**
 * Of `Host`, the server's two endpoints, and the target's authority. `network.local.*` is opt-in, and here by default:
 * Kernelcast watches every server of a host, and nothing else in the span tells which of them answered.
 */
function serverAttributes(event: HttpEvent, target: RequestTarget, side: SpanSide): Attributes {
  const { address, port } = serverEndpoint(event, target);
  const attributes: Attributes = { [semconv.ATTR_SERVER_ADDRESS]: address, [semconv.ATTR_SERVER_PORT]: port };
  if (side === "client") {
    attributes[semconv.ATTR_NETWORK_PEER_ADDRESS] = event.server.address;
    attributes[semconv.ATTR_NETWORK_PEER_PORT] = event.server.port;
  } else {
    const local = event.answeredBy ?? event.server;
    attributes[semconv.ATTR_NETWORK_LOCAL_ADDRESS] = local.address;
    attributes[semconv.ATTR_NETWORK_LOCAL_PORT] = local.port;
  }
  return attributes;
}

/** Of the client's address. */
function clientAttributes({ client }: HttpEvent, side: SpanSide): Attributes {
  if (side === "client") return {};
  return { [semconv.ATTR_CLIENT_ADDRESS]: client.address, [semconv.ATTR_NETWORK_PEER_ADDRESS]: client.address };
}

/** Of the user agent. */
function userAgentAttributes({ userAgent }: HttpEvent, side: SpanSide): Attributes {
  return side === "client" || userAgent === undefined ? {} : { [semconv.ATTR_USER_AGENT_ORIGINAL]: userAgent };
}

/** Of the client's port and the sizes: hardly ever twice the same. */
function transferAttributes(event: HttpEvent, side: SpanSide, bodySizes: boolean): Attributes {
  const attributes: Attributes = {};
  if (side === "server") attributes[semconv.ATTR_NETWORK_PEER_PORT] = event.client.port;
  if (!bodySizes) return attributes;
  attributes[semconv.ATTR_HTTP_REQUEST_BODY_SIZE] = event.requestBodyBytes;
  if (event.responseBodyBytes !== undefined) {
    attributes[semconv.ATTR_HTTP_RESPONSE_BODY_SIZE] = event.responseBodyBytes;
  }
  return attributes;
}

/** Of the target; of the client's side also of {@link serverEndpoint}. */
function targetAttributes(event: HttpEvent, target: RequestTarget, side: SpanSide): Attributes {
  const query = event.query || undefined;
  if (side === "client") return { [semconv.ATTR_URL_FULL]: fullUrl(target, serverEndpoint(event, target), query) };
  const attributes: Attributes = { [semconv.ATTR_URL_PATH]: target.path };
  if (query !== undefined) attributes[semconv.ATTR_URL_QUERY] = query;
  return attributes;
}

/** The same few hosts are asked again and again; a scan with random ones only empties the cache. */
const CACHED_HOSTS_MAX = 256;
const cachedHosts = new Map<string, Endpoint | undefined>();

/** The host that the client asked for, or else the endpoint that it reached. */
function serverEndpoint(event: HttpEvent, target: RequestTarget): Endpoint {
  const authority = target.authority ?? event.host;
  if (authority === undefined) return event.server;
  const key = `${target.scheme}:${authority}`;
  if (!cachedHosts.has(key)) {
    if (cachedHosts.size >= CACHED_HOSTS_MAX) cachedHosts.clear();
    cachedHosts.set(key, parseAuthority(authority, target.scheme));
  }
  return cachedHosts.get(key) ?? event.server;
}

export {
  type AttributeOptions,
  clientAttributes,
  exchangeAttributes,
  serverAttributes,
  serverEndpoint,
  spanAttributes,
  targetAttributes,
  transferAttributes,
  userAgentAttributes,
};
