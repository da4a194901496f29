import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { filterSchema } from "../../server/filter.ts";
import { subscriptionQuery, subscriptionRequest } from "../../server/subscription.ts";

describe("a filter", () => {
  test.each<[string, object, object]>([
    ["of no key is everything", {}, {}],
    [
      "may have a value or several",
      { status: "5xx", method: ["GET", "PUT"] },
      { method: ["GET", "PUT"], status: ["5xx"] },
    ],
    ["may have numbers", { status: 404, port: [80, "443"] }, { status: ["404"], port: ["443", "80"] }],
    ["has each value once, and in an order", { path: ["/b", "!/a", "/b"] }, { path: ["!/a", "/b"] }],
    ["has its keys in an order", { sample: 0.5, protocol: "http" }, { protocol: ["http"], sample: 0.5 }],
    ["has methods in upper case", { method: "get" }, { method: ["GET"] }],
    ["has hosts in lower case, where one star is as good as two", { host: "**.LOCAL" }, { host: ["*.local"] }],
    ["has three stars as two", { path: "/a/***" }, { path: ["/a/**"] }],
    ["has a whole class as such", { status: ["500-599", "500-599", "400-499"] }, { status: ["4xx", "5xx"] }],
    ["has a range of one as a number", { status: "404-404", port: "80-80" }, { status: ["404"], port: ["80"] }],
    ["has networks without what the mask hides", { client: "10.1.2.3/8" }, { client: ["10.0.0.0/8"] }],
    ["has addresses without a mask", { server: ["10.0.0.1/32", "::1/128"] }, { server: ["10.0.0.1", "::1"] }],
    ["has IPv4 as such", { client: "::ffff:10.0.0.1" }, { client: ["10.0.0.1"] }],
    ["has IPv6 as RFC 5952 writes it", { client: "2001:DB8:0:0:0:0:0:0/32" }, { client: ["2001:db8::/32"] }],
    ["has nothing that says nothing", { minDurationMs: 0, sample: "1" }, {}],
    ["has a share as a number", { sample: "1/8" }, { sample: 0.125 }],
    ["has a duration as a number", { minDurationMs: "0.5" }, { minDurationMs: 0.5 }],
  ])("%s", (_, given, canonical) => {
    const filter = filterSchema.parse(given);
    expect(JSON.stringify(filter)).toBe(JSON.stringify(canonical));
    expect(filterSchema.parse(filter)).toEqual(filter);
  });

  test.each<[string, unknown[]]>([
    ["protocol", ["htp", "", "HTTP"]],
    ["method", ["", "G T", "GÉT", "A".repeat(25)]],
    ["status", ["", "1000", "6xxx", "500-400", "-1", "4x", "abc", 4.5, true, null, {}]],
    ["path", ["", "users", "/a?b=1", "/a#b", "/a b", "/\ufffd", "/\ud800", `/${"a".repeat(600)}`]],
    ["host", ["", "a/b", "a b"]],
    ["port", ["65536", "80-", "http"]],
    ["client", ["", "10.0.0", "10.0.0.1/33", "::1/129", "localhost", "fe80::1%eth0", "1.2.3.4/"]],
    ["minDurationMs", ["", "-1", -1, "1e3", Number.NaN, [1], "5ms"]],
    ["sample", ["", "0", "2", 0, "1/0", "0/1", "10%", [0.5]]],
  ])("takes no such value of %s", (key, values) => {
    for (const value of values) {
      const { success, error } = filterSchema.safeParse({ [key]: value });
      expect({ value, success }).toEqual({ value, success: false });
      expect(error?.issues.map(({ path }) => path[0])).toEqual([key]);
    }
  });

  test("has a bounded number of values", () => {
    const ports = Array.from({ length: 65 }, (_, port) => port);
    expect(filterSchema.safeParse({ port: ports.slice(1) }).success).toBe(true);
    expect(filterSchema.safeParse({ port: ports }).success).toBe(false);
    expect(filterSchema.safeParse({ port: [] }).success).toBe(false);
  });

  test("is described by a schema that takes one value and several", () => {
    const { properties } = z.toJSONSchema(filterSchema, { io: "input" });
    expect(properties?.status).toMatchObject({ anyOf: [{ type: ["string", "integer"] }, { type: "array" }] });
  });
});

describe("a subscription", () => {
  test.each<[string, object]>([
    ["", { filter: {}, policy: "drop-newest" }],
    ["status=5xx&status=404", { filter: { status: ["404", "5xx"] }, policy: "drop-newest" }],
    ["since=812&policy=sample", { filter: {}, since: { seq: 812 }, policy: "sample" }],
    ["since=812@k3x", { filter: {}, since: { seq: 812, run: "k3x" }, policy: "drop-newest" }],
    ["since=10s", { filter: {}, since: { agoMillis: 10_000 }, policy: "drop-newest" }],
    ["since=500ms", { filter: {}, since: { agoMillis: 500 }, policy: "drop-newest" }],
    ["since=2m", { filter: {}, since: { agoMillis: 120_000 }, policy: "drop-newest" }],
  ])("is read from ?%s", (query, request) => {
    expect(subscriptionRequest(subscriptionQuery.parse(given(query)))).toEqual(request as never);
  });

  test.each(["since=", "since=-1", "since=10h", "since=1@", "since=1&since=2", "policy=drop", "sinc=1"])(
    "is not read from ?%s",
    (query) => expect(subscriptionQuery.safeParse(given(query)).success).toBe(false),
  );
});

/** As the router gives it. */
function given(query: string): Record<string, string | string[]> {
  const parameters = new URLSearchParams(query);
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((key) => {
      const [first = "", ...others] = parameters.getAll(key);
      return [key, others.length === 0 ? first : [first, ...others]];
    }),
  );
}
