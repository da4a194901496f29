/**
 * `url.full`: what the client asked for, put together from what it sent.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.3
 * @module
 */
import type { Endpoint } from "../ffi/event.ts";
import { DEFAULT_PORTS } from "./authority.ts";
import type { RequestTarget } from "./target.ts";

/** What the conventions put in the place of user information. */
const CREDENTIALS = "REDACTED:REDACTED@";

/** @param server whom the request was addressed to; @param query without secrets; undefined when it was not captured */
function fullUrl({ scheme, path, hasCredentials }: RequestTarget, server: Endpoint, query: string | undefined): string {
  const host = server.address.includes(":") ? `[${server.address}]` : server.address;
  const port = server.port === DEFAULT_PORTS[scheme] ? "" : `:${server.port}`;
  const search = query ? `?${query}` : "";
  return `${scheme}://${hasCredentials ? CREDENTIALS : ""}${host}${port}${absolutePath(path)}${search}`;
}

/** The asterisk of `OPTIONS *` stands for no path at all. */
function absolutePath(path: string): string {
  if (path === "*") return "";
  return path === "" || path.startsWith("/") ? path : `/${path}`;
}

export { fullUrl };
