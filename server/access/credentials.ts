/**
 * Where a request may carry its token: in `Authorization: Bearer`, or, since a browser's WebSocket can set no header, among
 * the subprotocols that it offers. Never in the URL, which ends up in logs and histories.
 * @module
 */

const TOKEN_SUBPROTOCOL = "kernelcast.token.";
const URL_PARAMETERS = ["token", "access_token", "api_key", "key", "auth"];

/** The subprotocols that a WebSocket request offers. */
const offeredSubprotocols = (header: string | null | undefined): string[] =>
  (header ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

/** Those that say how to talk, and not who talks. */
const formatSubprotocols = (header: string | null | undefined): string[] =>
  offeredSubprotocols(header).filter((name) => !name.startsWith(TOKEN_SUBPROTOCOL));

/** Undefined when the request carries none. */
const tokenOf = (headers: Headers): string | undefined => {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get("Authorization") ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  const offered = offeredSubprotocols(headers.get("Sec-WebSocket-Protocol"));
  return offered.find((name) => name.startsWith(TOKEN_SUBPROTOCOL))?.slice(TOKEN_SUBPROTOCOL.length);
};

/** The query parameter that looks like a token, if there is one. */
const tokenInUrl = (url: URL): string | undefined => URL_PARAMETERS.find((name) => url.searchParams.has(name));

export { formatSubprotocols, tokenInUrl, tokenOf };
