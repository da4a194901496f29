import { expect, test } from "bun:test";
import { array, assert, boolean, constantFrom, property, string, tuple } from "fast-check";
import { PathTemplates } from "../../ffi/path-templates.ts";

const TEMPLATES = [
  "/",
  "/users/me",
  "/users/{id}",
  "/users/*/orders/{order}",
  "/files/*.{type}",
  "/v*/items",
  "/static/**",
  "/a.b/(c)",
  "/caf%C3%A9/%7Euser",
];

test.each([
  ["/", "/"],
  ["//", "/"],
  ["/users/me", "/users/me"],
  ["/users/you", "/users/{id}"],
  ["/users/you/", "/users/{id}"],
  ["//users///you//", "/users/{id}"],
  ["/%75sers/a%2Fb", "/users/{id}"],
  ["/users/", undefined],
  ["/users", undefined],
  ["/Users/1", undefined],
  ["/users/1/2", undefined],
  ["/users/1/orders/2", "/users/*/orders/{order}"],
  ["/users/1/orders/", undefined],
  ["/files/report.pdf", "/files/*.{type}"],
  ["/files/.pdf", undefined],
  ["/files/report.", undefined],
  ["/v2/items", "/v*/items"],
  ["/v/items", undefined],
  ["/static", "/static/**"],
  ["/static/", "/static/**"],
  ["/static/a/b/c.js", "/static/**"],
  ["/statics", undefined],
  ["/a.b/(c)", "/a.b/(c)"],
  ["/axb/c", undefined],
  ["/caf%C3%A9/~user", "/caf%C3%A9/%7Euser"],
  ["/users/\n", "/users/{id}"],
  ["/users/😀", "/users/{id}"],
  ["", "/"],
])("%j is named %j", (path, expected) => {
  expect(new PathTemplates(TEMPLATES).match(path, false)).toBe(expected);
});

test("the first of several that match is taken", () => {
  expect(new PathTemplates(["/**", "/users/*", "/users/me"]).match("/users/me", false)).toBe("/**");
  expect(new PathTemplates(["/users/me", "/users/*", "/**"]).match("/users/me", false)).toBe("/users/me");
});

test.each([
  ["/static/js/ma", "/static/**"],
  // The last segment may go on: it is not known to be `v1`.
  ["/api/v1", undefined],
  ["/api/v1/", "/api/v1/**"],
  ["/api/v1/us", "/api/v1/**"],
  // It may end here or have further segments.
  ["/users/42", undefined],
])("a path cut at %j is named %j: what followed is not known", (path, expected) => {
  expect(new PathTemplates(["/users/*", "/api/v1/**", "/static/**"]).match(path, true)).toBe(expected);
});

test("without templates nothing matches", () => {
  expect(new PathTemplates([]).match("/", false)).toBeUndefined();
});

/** The rules as one would write them down, one character after the other and with every way tried. */
function isNamedBy(template: string, path: string): boolean {
  const segments = (text: string) => text.split("/").filter((segment) => segment !== "");
  const isOpen = template.endsWith("/**");
  const patterns = segments(isOpen ? template.slice(0, -3) : template);
  const given = segments(path);
  if (isOpen ? given.length < patterns.length : given.length !== patterns.length) return false;
  return patterns.every((pattern, index) => fits(pattern.replaceAll(/\{\w+\}/g, "*"), given[index] ?? ""));
}

function fits(pattern: string, segment: string): boolean {
  if (pattern === "") return segment === "";
  if (segment === "") return false;
  if (pattern[0] === "*") return fits(pattern.slice(1), segment.slice(1)) || fits(pattern, segment.slice(1));
  return pattern[0] === segment[0] && fits(pattern.slice(1), segment.slice(1));
}

const letter = constantFrom("a", "b", ".", "é");
const patternPiece = constantFrom("a", "b", ".", "é", "*", "{id}");
// Two wildcards side by side are refused by the settings: `**` is another thing.
const segmentPattern = string({ unit: patternPiece, minLength: 1, maxLength: 4 }).map((s) =>
  s.replaceAll(/\*\*+/g, "*"),
);
const template = tuple(array(segmentPattern, { maxLength: 3 }), boolean()).map(
  ([segments, isOpen]) => `/${segments.join("/")}${isOpen ? `${segments.length > 0 ? "/" : ""}**` : ""}`,
);
const path = array(string({ unit: letter, maxLength: 5 }), { maxLength: 5 }).map(
  (segments) => `/${segments.join("/")}`,
);

test("a path is named by the first template that a naive reading of the rules lets match", () => {
  let named = 0;
  assert(
    property(
      array(template, { minLength: 1, maxLength: 5 }),
      array(path, { minLength: 1, maxLength: 10 }),
      (all, paths) => {
        const templates = new PathTemplates(all);
        for (const one of paths) {
          const expected = all.find((candidate) => isNamedBy(candidate, one));
          expect([one, templates.match(one, false)]).toEqual([one, expected]);
          if (expected !== undefined) named++;
        }
      },
    ),
    { numRuns: 500 },
  );
  expect(named).toBeGreaterThan(500);
});

test("a name given to a cut path holds however the path went on", () => {
  assert(
    property(template, path, path, (one, cut, rest) => {
      if (new PathTemplates([one]).match(cut, true) === undefined) return;
      for (const whole of [cut, cut + rest, cut + rest.slice(1)]) expect(isNamedBy(one, whole)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
