import { expect, test } from "bun:test";
import type { RequestTarget } from "../../otel/target.ts";
import { fullUrl } from "../../otel/url.ts";

const HTTP: RequestTarget = { scheme: "http", path: "/p" };

test.each([
  ["a port of its own", HTTP, "a.b", 8080, undefined, "http://a.b:8080/p"],
  ["the scheme's port is left out", HTTP, "a.b", 80, undefined, "http://a.b/p"],
  ["the other scheme's port is not", HTTP, "a.b", 443, undefined, "http://a.b:443/p"],
  ["IPv6 has brackets", HTTP, "::1", 81, undefined, "http://[::1]:81/p"],
  ["the query follows", HTTP, "a.b", 80, "x=1", "http://a.b/p?x=1"],
  ["an empty query does not", HTTP, "a.b", 80, "", "http://a.b/p"],
  [
    "user information is there, and hidden",
    { ...HTTP, hasCredentials: true },
    "a.b",
    80,
    undefined,
    "http://REDACTED:REDACTED@a.b/p",
  ],
  ["OPTIONS * has no path", { ...HTTP, path: "*" }, "a.b", 80, undefined, "http://a.b"],
  ["CONNECT has none either", { ...HTTP, path: "" }, "a.b", 443, undefined, "http://a.b:443"],
  [
    "what is no path becomes one, lest it run into the host",
    { ...HTTP, path: "x" },
    "a.b",
    80,
    undefined,
    "http://a.b/x",
  ],
] as [string, RequestTarget, string, number, string | undefined, string][])(
  "%s",
  (_rule, target, address, port, query, url) => {
    expect(fullUrl(target, { address, port }, query)).toBe(url);
  },
);
