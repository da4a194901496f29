/**
 * The attributes of HTTP spans, as far as the wire shows them.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md
 * @module
 */
import type { Attributes } from "@opentelemetry/api";
import type { Endpoint, HttpEvent } from "../ffi/event.ts";
import { parseAuthority } from "./authority.ts";
import { OTHER_METHOD } from "./method.ts";
import { redactQuery } from "./query.ts";
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

/** In the order of the conventions: what is required, then what is so on a condition, then what is recommended. */
function spanAttributes(event: HttpEvent, options: AttributeOptions): Attributes {
  const { side, method, error, bodySizes } = options;
  const target = parseTarget(event);
  const server = serverEndpoint(event, target);
  const attributes: Attributes = {
    [semconv.ATTR_HTTP_REQUEST_METHOD]: method,
    [semconv.ATTR_SERVER_ADDRESS]: server.address,
    [semconv.ATTR_SERVER_PORT]: server.port,
  };
  if (side === "server") addServerSide(attributes, event, target);
  else addClientSide(attributes, event, target, server);
  if (method === OTHER_METHOD) attributes[semconv.ATTR_HTTP_REQUEST_METHOD_ORIGINAL] = event.method;
  if (event.status !== 0) attributes[semconv.ATTR_HTTP_RESPONSE_STATUS_CODE] = event.status;
  if (error !== undefined) attributes[semconv.ATTR_ERROR_TYPE] = error;
  if (event.version) attributes[semconv.ATTR_NETWORK_PROTOCOL_VERSION] = event.version;
  if (event.pathTruncated) attributes[semconv.ATTR_PATH_TRUNCATED] = true;
  if (bodySizes) addBodySizes(attributes, event);
  return attributes;
}

/**
 * `network.local.*` is opt-in, and here by default: Kernelcast watches every server of a host, and nothing else in the span
 * tells which of them answered.
 */
function addServerSide(attributes: Attributes, event: HttpEvent, target: RequestTarget): void {
  const { client, answeredBy = event.server } = event;
  attributes[semconv.ATTR_URL_SCHEME] = target.scheme;
  attributes[semconv.ATTR_URL_PATH] = target.path;
  if (event.query) attributes[semconv.ATTR_URL_QUERY] = redactQuery(event.query);
  if (event.template !== undefined) attributes[semconv.ATTR_HTTP_ROUTE] = event.template;
  attributes[semconv.ATTR_CLIENT_ADDRESS] = client.address;
  attributes[semconv.ATTR_NETWORK_PEER_ADDRESS] = client.address;
  attributes[semconv.ATTR_NETWORK_PEER_PORT] = client.port;
  attributes[semconv.ATTR_NETWORK_LOCAL_ADDRESS] = answeredBy.address;
  attributes[semconv.ATTR_NETWORK_LOCAL_PORT] = answeredBy.port;
  if (event.userAgent !== undefined) attributes[semconv.ATTR_USER_AGENT_ORIGINAL] = event.userAgent;
}

/** `url.template` is opt-in; whoever configures templates wants them. */
function addClientSide(attributes: Attributes, event: HttpEvent, target: RequestTarget, server: Endpoint): void {
  const query = event.query ? redactQuery(event.query) : undefined;
  attributes[semconv.ATTR_URL_FULL] = fullUrl(target, server, query);
  if (event.template !== undefined) attributes[semconv.ATTR_URL_TEMPLATE] = event.template;
  attributes[semconv.ATTR_NETWORK_PEER_ADDRESS] = event.server.address;
  attributes[semconv.ATTR_NETWORK_PEER_PORT] = event.server.port;
}

function addBodySizes(attributes: Attributes, event: HttpEvent): void {
  attributes[semconv.ATTR_HTTP_REQUEST_BODY_SIZE] = event.requestBodyBytes;
  if (event.responseBodyBytes === undefined) return;
  attributes[semconv.ATTR_HTTP_RESPONSE_BODY_SIZE] = event.responseBodyBytes;
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

export { type AttributeOptions, serverEndpoint, spanAttributes };
