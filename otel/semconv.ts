/**
 * The names that Kernelcast writes into spans, copied from the semantic conventions so that a reader sees them all.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md
 * @module
 */

/** Version of the conventions that spans, metrics and resource follow; sent with each. */
export const SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0";

/** Name of the instrumentation scope of every span. */
export const SCOPE_NAME = "kernelcast";

/** @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/ */
export const ATTR_HTTP_REQUEST_METHOD = "http.request.method";
export const ATTR_HTTP_REQUEST_METHOD_ORIGINAL = "http.request.method_original";
export const ATTR_HTTP_RESPONSE_STATUS_CODE = "http.response.status_code";
export const ATTR_HTTP_ROUTE = "http.route";
export const ATTR_HTTP_REQUEST_BODY_SIZE = "http.request.body.size";
export const ATTR_HTTP_RESPONSE_BODY_SIZE = "http.response.body.size";

/** @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/ */
export const ATTR_URL_FULL = "url.full";
export const ATTR_URL_PATH = "url.path";
export const ATTR_URL_QUERY = "url.query";
export const ATTR_URL_SCHEME = "url.scheme";
export const ATTR_URL_TEMPLATE = "url.template";

/** @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/ */
export const ATTR_ERROR_TYPE = "error.type";

/** @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/network/ */
export const ATTR_NETWORK_LOCAL_ADDRESS = "network.local.address";
export const ATTR_NETWORK_LOCAL_PORT = "network.local.port";
export const ATTR_NETWORK_PEER_ADDRESS = "network.peer.address";
export const ATTR_NETWORK_PEER_PORT = "network.peer.port";
export const ATTR_NETWORK_PROTOCOL_VERSION = "network.protocol.version";

/** @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/client/ */
export const ATTR_CLIENT_ADDRESS = "client.address";

/** @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/server/ */
export const ATTR_SERVER_ADDRESS = "server.address";
export const ATTR_SERVER_PORT = "server.port";

/** @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/user-agent/ */
export const ATTR_USER_AGENT_ORIGINAL = "user_agent.original";

/** Ours, in our own namespace: true on a span whose `url.path` is only the part that the kernel keeps. */
export const ATTR_PATH_TRUNCATED = "kernelcast.url.path.truncated";

/** @see https://opentelemetry.io/docs/specs/semconv/resource/ */
export const ATTR_SERVICE_NAME = "service.name";
export const ATTR_SERVICE_VERSION = "service.version";
export const ATTR_TELEMETRY_DISTRO_NAME = "telemetry.distro.name";
export const ATTR_TELEMETRY_DISTRO_VERSION = "telemetry.distro.version";
export const ATTR_PROCESS_RUNTIME_NAME = "process.runtime.name";
export const ATTR_PROCESS_RUNTIME_VERSION = "process.runtime.version";
export const ATTR_PROCESS_RUNTIME_DESCRIPTION = "process.runtime.description";
