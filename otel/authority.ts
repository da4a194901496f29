/**
 * Who the request was addressed to: `server.address` and `server.port`.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md#setting-serveraddress-and-serverport-attributes
 * @module
 */
import type { Endpoint } from "../ffi/event.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** RFC 9110 §7.2 `Host = uri-host [ ":" port ]`, RFC 3986 §3.2.2. User information is not part of it. */
const HOST_PATTERN = /^(?:\[([0-9A-Fa-f:.]+(?:%25[\w.~%-]+)?)\]|([\w.~!$&'()*+,;=%-]+))(?::(\d*))?$/;

/**
 * Splits an authority such as `example.com:8080` or `[::1]`. The address has no brackets; a missing port is the scheme's
 * default. Undefined when it is not a valid authority: then nothing of it can be trusted.
 */
function parseAuthority(authority: string, scheme: string): Endpoint | undefined {
  const match = HOST_PATTERN.exec(authority);
  if (match === null) return undefined;
  const [, literal, name, digits] = match;
  const address = literal ?? name;
  const port = digits === undefined || digits === "" ? DEFAULT_PORTS[scheme] : Number(digits);
  if (address === undefined || port === undefined || port < 1 || port > 65_535) return undefined;
  return { address, port };
}

export { DEFAULT_PORTS, parseAuthority };
