import { expect, test } from "bun:test";
import { Glob } from "../../server/glob.ts";

const matches = (pattern: string, text: string, ignoreCase = false): boolean => {
  const bytes = Buffer.from(`behind${text}before`);
  return new Glob(pattern, { ignoreCase }).matchesBytes(bytes, 6, Buffer.byteLength(text));
};

test.each<[string, string[], string[]]>([
  ["/a", ["/a"], ["", "/", "/ab", "/A", "//a"]],
  ["*", ["", "a", "abc"], ["/", "a/b"]],
  ["**", ["", "/", "a/b/c"], []],
  ["/users/*", ["/users/", "/users/42"], ["/users", "/users/42/", "/users/4/2", "/user/42"]],
  ["/users/*/orders", ["/users/1/orders", "/users//orders"], ["/users/orders", "/users/1/2/orders"]],
  ["/static/**", ["/static/", "/static/a/b.js"], ["/static", "/statics/a"]],
  ["**.js", [".js", "/a/b.js", "/.js.js"], ["/a.jsx", "js"]],
  ["/a*b*c", ["/abc", "/aXbYc", "/abbcc", "/abcbc"], ["/ab/c", "/a/bc", "/acb"]],
  ["/**/x/*", ["//x/", "/a/b/x/y"], ["/x/y", "/a/x/y/z"]],
  ["/ü*/世", ["/ü/世", "/üü/世"], ["/u/世", "/ü/世/"]],
])("%s", (pattern, those, others) => {
  for (const text of those) expect([text, matches(pattern, text)]).toEqual([text, true]);
  for (const text of others) expect([text, matches(pattern, text)]).toEqual([text, false]);
});

test("case is ignored where it is asked for, of letters alone", () => {
  expect(matches("a[*.local", "A[B.LOCAL", true)).toBe(true);
  expect(matches("a[*.local", "a{b.local", true)).toBe(false);
  expect(matches("a.local", "A.local")).toBe(false);
});

test.each([30, 31, 32, 61, 62, 63, 93, 500])("a pattern of %d bytes ends where it ends", (length) => {
  const text = `/${"x".repeat(length - 1)}`;
  expect(matches(text, text)).toBe(true);
  expect(matches(`${text}*`, `${text}y`)).toBe(true);
  expect(matches(`${text}*`, `${text}/y`)).toBe(false);
  expect(matches(`*${text}`, `z${text}`)).toBe(true);
  expect(matches(`${text}*`, text.slice(1))).toBe(false);
  expect(matches(`${text}y`, `${text}z`)).toBe(false);
  expect(matches(`**${text}/**`, `/y${text.slice(1)}${text}/y`)).toBe(true);
});

test("time grows with the text alone, however many stars there are", () => {
  const glob = new Glob(`${"**a*".repeat(100)}b`);
  const text = Buffer.from("a".repeat(4000));
  const began = performance.now();
  for (let round = 0; round < 10; round++) expect(glob.matchesBytes(text, 0, text.length)).toBe(false);
  const long = new Glob(`${"**a*".repeat(100)}b*`);
  expect(long.matchesBytes(text, 0, text.length)).toBe(false);
  expect(performance.now() - began).toBeLessThan(1000);
});
