import { describe, expect, test } from "bun:test";
import { assert, property, string } from "fast-check";
import { TargetPolicy } from "../../ffi/target-policy.ts";

describe("without rules", () => {
  const policy = new TargetPolicy();

  test("a path stays as it is, and the policy says that it need not be asked", () => {
    expect(policy.isIdentity).toBe(true);
    assert(property(string(), (text) => expect(policy.path(`/${text}`, false)).toEqual({ path: `/${text}` })));
  });

  test.each([
    ["*", false, "*"],
    ["example.com:443", false, "example.com:443"],
    ["http://example.com/a/b", false, "http://example.com/a/b"],
    ["http://example.com", false, "http://example.com"],
    ["http://user:pa@ss@example.com:80/a@b", false, "http://REDACTED:REDACTED@example.com:80/a@b"],
    ["HTTPS://user@[::1]", false, "HTTPS://REDACTED:REDACTED@[::1]"],
    ["user:pass@example.com:443", false, "REDACTED:REDACTED@example.com:443"],
    ["http://user:pa", true, "http://REDACTED"],
    ["user:pa", true, "REDACTED"],
    ["http://user:pass@h/a", true, "http://REDACTED:REDACTED@h/a"],
  ])("of the target %j (cut: %p) %j is reported: credentials never are", (target, truncated, path) => {
    expect(policy.path(target, truncated)).toEqual({ path });
  });

  test("the query's secrets are hidden", () => {
    expect(policy.query("a=1&token=s3cret")).toBe("a=1&token=REDACTED");
  });
});

describe("with templates", () => {
  const policy = new TargetPolicy({ templates: ["/users/{id}", "/"] });

  test.each([
    ["/users/42", { path: "/users/42", template: "/users/{id}" }],
    ["/orders/42", { path: "/orders/42" }],
    ["http://user:pass@h/users/42", { path: "http://REDACTED:REDACTED@h/users/42", template: "/users/{id}" }],
    ["http://h", { path: "http://h", template: "/" }],
    ["h:443", { path: "h:443" }],
    ["*", { path: "*" }],
  ])("%j is reported as %j, the first and every further time", (target, expected) => {
    expect(policy.isIdentity).toBe(false);
    for (const _time of [1, 2, 3]) expect(policy.path(target, false)).toEqual(expected);
  });

  test("a cut path is not taken for the whole one that was seen before", () => {
    expect(policy.path("/users/7", false).template).toBe("/users/{id}");
    expect(policy.path("/users/7", true).template).toBeUndefined();
    expect(policy.path("/users/7", false).template).toBe("/users/{id}");
  });
});

test.each([
  ["/users/42", "/users/{id}"],
  ["/s3cret", "/REDACTED"],
  ["http://h/users/42", "http://h/users/{id}"],
  ["http://h/s3cret", "http://h/REDACTED"],
  ["http://h", "http://h/REDACTED"],
  ["h:443", "h:443"],
  ["*", "*"],
  ["*s3cret", "REDACTED"],
  ["s3cret", "REDACTED"],
  ["", "REDACTED"],
])("with templates only, %j is reported as %j", (target, path) => {
  expect(new TargetPolicy({ templates: ["/users/{id}"], templateOnly: true }).path(target, false).path).toBe(path);
});

describe("with redactions", () => {
  const policy = new TargetPolicy({
    templates: ["/reset/{token}"],
    redactions: [
      { pattern: "(/reset/)[^/]+", replacement: "$1TOKEN" },
      { pattern: "TOKEN", replacement: "X" },
      { pattern: "[^/&=@]+@[^/&]+", replacement: "EMAIL" },
    ],
    secretParameters: ["ssn"],
  });

  test("each is applied to what the one before left, and templates see the path as it came", () => {
    expect(policy.path("/reset/s3cret", false)).toEqual({ path: "/reset/X", template: "/reset/{token}" });
  });

  test("they are applied to the query as well, with the secrets that are known by name", () => {
    expect(policy.query("to=alice%40example.com&ssn=1&back=/reset/s3cret")).toBe("to=EMAIL&ssn=REDACTED&back=/reset/X");
  });

  test("they are applied to every form of target, also to a cut one", () => {
    expect(policy.path("http://h/reset/s3cret", false).path).toBe("http://h/reset/X");
    expect(policy.path("/reset/s3cre", true).path).toBe("/reset/X");
    expect(policy.path("alice@example.com:443", false).path).toBe("EMAIL");
  });
});

test("a hundred thousand different paths leave no more than some megabytes behind", () => {
  const policy = new TargetPolicy({ templates: ["/users/{id}"] });
  const decide = (round: number) => {
    for (let id = 0; id < 100_000; id++) policy.path(`/users/${round}-${id}-${"x".repeat(200)}`, false);
    Bun.gc(true);
    return process.memoryUsage().heapUsed;
  };
  const first = decide(1);
  // 20 MB of text a round.
  expect(decide(2) - first).toBeLessThan(8e6);
});
