import { expect, test } from "bun:test";
import { assert, constantFrom, property, string } from "fast-check";
import { unescaped } from "../../ffi/unescaped.ts";

test.each([
  ["nothing to unescape", "/users/42", "/users/42"],
  ["letters, in either case of the digits", "/%75s%65%72s/%4a%4A", "/users/JJ"],
  ["what prints, from the first to the last", "%20%21%7d%7e", " !}~"],
  ["not what does not print", "%00%1f%7f%80%ff", "%00%1f%7f%80%ff"],
  ["not a slash, which would begin a segment", "a%2fb%2Fc", "a%2fb%2Fc"],
  ["not a percent sign, which would begin an escape", "%2541", "%2541"],
  ["what only begins like an escape", "%", "%"],
  ["one digit and no second", "%4%4g%%41", "%4%4g%A"],
])("%s", (_rule, original, expected) => {
  expect(unescaped(original).text).toBe(expected);
});

const piece = constantFrom("a", "/", "%41", "%2F", "%", "%4", "é", "😀", "%7e", "%C3%A9");
test("every character comes from where it is said to, and nothing of the original is left out", () => {
  assert(
    property(string({ unit: piece }), (original) => {
      const { text, origin } = unescaped(original);
      expect([origin(0), origin(text.length)]).toEqual([0, original.length]);
      for (let at = 0; at < text.length; at++) {
        const written = original.slice(origin(at), origin(at + 1));
        const code = text.charCodeAt(at).toString(16).padStart(2, "0");
        expect([text.charAt(at), `%${code}`]).toContain(written.length === 1 ? written : written.toLowerCase());
      }
    }),
  );
});
