/**
 * The tokens that open the service to others, and what each may do.
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync, statSync } from "node:fs";

/** `read` sees the traffic; `control` may also run barriers and pause protocols. */
type Scope = "read" | "control";

/** The token file cannot be used. The message is one line, for the user, and holds no token. */
class TokenFileError extends Error {
  override readonly name = "TokenFileError";
}

interface Token {
  readonly scope: Scope;
  readonly digest: Buffer;
}

interface TokenLine {
  scope: Scope;
  token: string;
}

const SCOPES: readonly Scope[] = ["read", "control"];
/** Of RFC 6750's b64token what a subprotocol's name may hold too (RFC 9110 section 5.6.2). */
const TOKEN = /^[A-Za-z0-9._~+-]{16,256}$/;
const OTHERS = 0o077;

/** Equally long for every text, so that a comparison tells nothing of a token's length either. */
const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest();

/**
 * A token a line, `read TOKEN` or `control TOKEN`; one without a word may do all. Empty lines and those that begin with `#`
 * say nothing.
 *
 * @param name of the file, for the message
 * @throws {TokenFileError}
 */
const parseLines = (text: string, name: string): [TokenLine, ...TokenLine[]] => {
  const [first, ...others] = text.split(/\r?\n/).flatMap((line, index): TokenLine[] => {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || words[0]?.startsWith("#")) return [];
    const [scope, token = ""] = words.length === 1 ? ["control", words[0]] : words;
    if (words.length > 2 || !SCOPES.includes(scope as Scope) || !TOKEN.test(token))
      throw new TokenFileError(
        `${name}, line ${index + 1}: expected "read TOKEN", "control TOKEN" or "TOKEN", of 16 to 256 letters, digits and . _ ~ + -`,
      );
    return [{ scope: scope as Scope, token }];
  });
  if (first === undefined) throw new TokenFileError(`${name}: expected at least one token, found none`);
  return [first, ...others];
};

/**
 * The text of a file that nobody but its owner may read.
 *
 * @throws {TokenFileError}
 */
const readPrivate = (path: string): string => {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new TokenFileError(`the token file cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  const mode = statSync(path).mode;
  if ((mode & OTHERS) !== 0)
    throw new TokenFileError(
      `${path}: others may read it (mode ${(mode & 0o777).toString(8)}); run: chmod 600 ${path}`,
    );
  return text;
};

class Tokens {
  readonly #tokens: readonly Token[];

  private constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** @throws {TokenFileError} */
  static parse(text: string, name: string): Tokens {
    return new Tokens(parseLines(text, name).map(({ scope, token }) => ({ scope, digest: digestOf(token) })));
  }

  /** @throws {TokenFileError} */
  static read(path: string): Tokens {
    return Tokens.parse(readPrivate(path), path);
  }

  /** What a token may do; undefined: it is none. Takes as long whatever the token is. */
  scopeOf(token: string): Scope | undefined {
    const digest = digestOf(token);
    let scope: Scope | undefined;
    for (const known of this.#tokens) if (timingSafeEqual(known.digest, digest)) scope = known.scope;
    return scope;
  }
}

/**
 * The first token of a file, for who wants to be let in.
 *
 * @throws {TokenFileError}
 */
const readToken = (path: string): string => parseLines(readPrivate(path), path)[0].token;

/** May a bearer of `held` do what needs `needed`? */
const covers = (held: Scope, needed: Scope): boolean => held === "control" || needed === "read";

export type { Scope };
export { covers, readToken, TokenFileError, Tokens };
