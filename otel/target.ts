/**
 * The request target of RFC 9112 §3.2 in its four forms.
 * @module
 */
import type { HttpEvent } from "../ffi/event.ts";

/** What the target says. */
interface RequestTarget {
  scheme: string;
  path: string;
  /** Without user information, which is a credential and no part of where the request goes. */
  authority?: string;
  /** There was user information. */
  hasCredentials?: boolean;
}

const ABSOLUTE_FORM = /^(https?):\/\/([^/@]*@)?([^/]*)(.*)$/is;

/**
 * Origin form (`/users/42`) and asterisk form (`*`) are paths as they stand; absolute form (`http://host/path`, sent to
 * proxies) is split; authority form (`host:443`, CONNECT) has no path.
 */
function parseTarget(event: HttpEvent): RequestTarget {
  const { path } = event;
  if (path.startsWith("/")) return { scheme: "http", path };
  if (event.method === "CONNECT") return { scheme: "http", path: "", authority: path };
  const match = ABSOLUTE_FORM.exec(path);
  if (match === null) return { scheme: "http", path };
  const [, scheme = "http", credentials, authority = "", rest = ""] = match;
  const target: RequestTarget = { scheme: scheme.toLowerCase(), path: rest === "" ? "/" : rest };
  // A target cut inside its authority names a host that does not exist.
  if (!(event.pathTruncated && rest === "")) target.authority = authority;
  if (credentials !== undefined) target.hasCredentials = true;
  return target;
}

export { parseTarget, type RequestTarget };
