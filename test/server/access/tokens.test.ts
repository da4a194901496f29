import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { covers, TokenFileError, Tokens } from "../../../server/access/tokens.ts";

const READ = "reader-0123456789";
const CONTROL = "control~0123456789";
const BARE = "bare.0123456789+x";

test("a token has the scope of its line, and one without a word may do all", () => {
  const tokens = Tokens.parse(`# who looks\nread ${READ}\n\n  control\t${CONTROL}  \r\n${BARE}\n`, "tokens");
  expect([READ, CONTROL, BARE].map((token) => tokens.scopeOf(token))).toEqual(["read", "control", "control"]);
});

test.each(["", "reader-012345678", `${READ}x`, READ.toUpperCase(), ` ${READ}`, "read"])(
  "%j is no token of it",
  (text) => {
    expect(Tokens.parse(`read ${READ}`, "tokens").scopeOf(text)).toBeUndefined();
  },
);

test.each<[string, string, number]>([
  ["a scope that there is not", `write ${READ}`, 1],
  ["a token that is too short", `\nread 0123456789abcde`, 2],
  ["a token that is too long", `read ${"x".repeat(257)}`, 1],
  ["a character that no header's token has", "0123456789abcdef/=", 1],
  ["too many words", `read ${READ} x`, 1],
  ["a scope without a token", `${READ}\nread`, 2],
])("%s is refused, by its line and without the token", (_, text, line) => {
  const message = (() => {
    try {
      Tokens.parse(text, "/etc/tokens");
      return "";
    } catch (error) {
      expect(error).toBeInstanceOf(TokenFileError);
      return (error as Error).message;
    }
  })();
  expect(message).toStartWith(`/etc/tokens, line ${line}: expected`);
  expect(message).not.toContain("0123456789");
});

test("a file without a token is refused", () => {
  expect(() => Tokens.parse("# none\n", "tokens")).toThrow("at least one token");
});

describe("read()", () => {
  const withFile = (mode: number, use: (path: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), "kernelcast-tokens-"));
    const path = join(folder, "tokens");
    writeFileSync(path, `read ${READ}\n`);
    chmodSync(path, mode);
    try {
      use(path);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  test.each([0o600, 0o400, 0o700])("takes a file of mode %o", (mode) =>
    withFile(mode, (path) => expect(Tokens.read(path).scopeOf(READ)).toBe("read")),
  );

  test.each([0o640, 0o604, 0o620, 0o666])("refuses a file of mode %o, and says what to do", (mode) =>
    withFile(mode, (path) => expect(() => Tokens.read(path)).toThrow(`chmod 600 ${path}`)),
  );

  test("names a file that is not there", () => {
    expect(() => Tokens.read("/nowhere/tokens")).toThrow("/nowhere/tokens");
  });
});

test.each<["read" | "control", "read" | "control", boolean]>([
  ["read", "read", true],
  ["read", "control", false],
  ["control", "read", true],
  ["control", "control", true],
])("%s covers %s: %p", (held, needed, expected) => expect(covers(held, needed)).toBe(expected));
