import { expect, test } from "bun:test";
import { array, assert, constantFrom, property, string } from "fast-check";
import { Redaction } from "../../ffi/redaction.ts";

const redact = (pattern: string, replacement: string, text: string) =>
  new Redaction({ pattern, replacement }).apply(text);

test.each([
  ["nothing matches", "/reset/[^/]+", "X", "/users/42", "/users/42"],
  ["one match", "/reset/[^/]+", "/reset/X", "/a/reset/s3cret/b", "/a/reset/X/b"],
  ["every match", "[0-9]+", "N", "/1/22/x333", "/N/N/xN"],
  ["the whole text", ".*", "X", "/a/b", "X"],
  ["a replacement of nothing", "[0-9]", "", "/a1b2", "/ab"],
  ["a group is put back", "(/reset/)[^/]+", "$1X", "/reset/s3cret", "/reset/X"],
  ["groups in another order, and text between", "/(\\w+)/(\\w+)", "/$2-$1", "/a/b", "/b-a"],
  ["a group that took no part is empty", "/(a)?(b)?c", "/[$1$2]", "/bc", "/[b]"],
  ["a dollar without a digit is itself", "a", "$x$", "/a", "/$x$"],
  ["an alternative that is empty hides nothing", "x*", "Y", "/axb", "/aYb"],
  ["ignoring case", "(?i)/token/[^/]+", "/T", "/TOKEN/abc", "/T"],
  ["an escape does not keep a match away", "/reset/[^/]+", "/reset/X", "/r%65se%74/s%33cret/b", "/reset/X/b"],
  ["an escaped @ is one", "[^/@]+@[^/]+", "EMAIL", "/u/alice%40example.com/b", "/u/EMAIL/b"],
  ["an escaped slash ends no segment", "/reset/[^/]+", "/reset/X", "/reset/a%2Fb/c", "/reset/X/c"],
  ["what does not match stays as it was written", "[0-9]+", "N", "/%41/42/%7Eb", "/%41/N/%7Eb"],
  ["a group is put back as it was written", "/(\\w+)/.*", "/$1/X", "/%41b/42", "/%41b/X"],
  ["beyond ASCII", "[^/]+@", "X@", "/é😀%40b", "/X@b"],
])("%s", (_rule, pattern, replacement, text, expected) => {
  // The group's offset is of the original, so an escape in front of the match shows whether offsets are mapped.
  expect(redact(pattern, replacement, text)).toBe(expected);
});

test("a text with very many matches is hidden from where counting ends: nothing behind may be shown", () => {
  expect(redact("s[0-9]+", "X", `/${"s1/".repeat(64)}rest`)).toBe(`/${"X/".repeat(64)}rest`);
  expect(redact("s[0-9]+", "X", `/${"s1/".repeat(65)}rest`)).toBe(`/${"X/".repeat(64)}REDACTED`);
});

test("what a path holds cannot make a pattern slow", () => {
  const long = "a".repeat(4064);
  const began = performance.now();
  // Each takes a backtracking engine longer than anyone waits, or a search from every byte to the end.
  for (const pattern of ["(a*)*b", "(a|aa)+b", "(a+)+$b", "a.*b|a", "(?:a.*b)?", "(.{1,50}){1,20}b"]) {
    expect(redact(pattern, "X", long).length).toBeLessThanOrEqual(long.length + 8);
  }
  // A second would already be hundreds of times what it takes.
  expect(performance.now() - began).toBeLessThan(5_000);
});

const segment = string({ unit: constantFrom("a", "b", "1", "%41", "%2F", "é", "-"), maxLength: 4 });
test("no segment behind /token/ is ever seen, wherever it stands and however it is written", () => {
  const token = string({ unit: constantFrom("s3cret", "s%33cret", "%73", "-"), minLength: 1, maxLength: 3 });
  const name = constantFrom("token", "%74oken", "tok%65n");
  assert(
    property(
      array(segment, { maxLength: 3 }),
      name,
      token,
      array(segment, { maxLength: 3 }),
      (before, key, secret, after) => {
        const path = `/${[...before, key, `S${secret}`, ...after].join("/")}`;
        const redacted = redact("/token/[^/]+", "/token/X", path);
        expect(redacted).toBe(`/${[...before, "token", "X", ...after].join("/")}`);
      },
    ),
    { numRuns: 500 },
  );
});
