/**
 * The attributes of an HTTP server span, as far as the wire shows them.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md#http-server
 * @module
 */
import type { Attributes } from "@opentelemetry/api";
import type { Endpoint, HttpEvent } from "../ffi/event.ts";
import { parseAuthority } from "./authority.ts";
import { OTHER_METHOD } from "./method.ts";
import { redactQuery } from "./query.ts";
import * as semconv from "./semconv.ts";
import { parseTarget, type RequestTarget } from "./target.ts";

/**
 * `method` is `event.method` or `_OTHER`; `error` is the value of `error.type`, undefined for success. Attributes that a
 * sampler may look at come first, in the order of the conventions.
 */
function spanAttributes(event: HttpEvent, method: string, error: string | undefined): Attributes {
  const target = parseTarget(event);
  const server = serverEndpoint(event, target);
  const attributes: Attributes = {
    [semconv.ATTR_HTTP_REQUEST_METHOD]: method,
    [semconv.ATTR_URL_SCHEME]: target.scheme,
    [semconv.ATTR_URL_PATH]: target.path,
    [semconv.ATTR_SERVER_ADDRESS]: server.address,
    [semconv.ATTR_SERVER_PORT]: server.port,
    [semconv.ATTR_CLIENT_ADDRESS]: event.client.address,
    [semconv.ATTR_CLIENT_PORT]: event.client.port,
    [semconv.ATTR_NETWORK_PEER_ADDRESS]: event.client.address,
    [semconv.ATTR_NETWORK_PEER_PORT]: event.client.port,
  };
  if (method === OTHER_METHOD) attributes[semconv.ATTR_HTTP_REQUEST_METHOD_ORIGINAL] = event.method;
  if (event.query) attributes[semconv.ATTR_URL_QUERY] = redactQuery(event.query);
  if (event.pathTruncated) attributes[semconv.ATTR_PATH_TRUNCATED] = true;
  if (event.status !== 0) attributes[semconv.ATTR_HTTP_RESPONSE_STATUS_CODE] = event.status;
  if (error !== undefined) attributes[semconv.ATTR_ERROR_TYPE] = error;
  if (event.version) attributes[semconv.ATTR_NETWORK_PROTOCOL_VERSION] = event.version;
  if (event.userAgent !== undefined) attributes[semconv.ATTR_USER_AGENT_ORIGINAL] = event.userAgent;
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

export { spanAttributes };
