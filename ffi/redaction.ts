import { RE2JS } from "re2js";
import { unescaped } from "./unescaped.ts";

export interface RedactionRule {
  /** A regular expression of RE2: what a path holds cannot make it slow, as it can with a JavaScript `RegExp`. */
  pattern: string;
  /** Takes the place of each match; `$1` to `$9` stand for what a group matched. */
  replacement: string;
}

/** Instead of what is hidden, where a rule does not say what. */
export const REDACTED = "REDACTED";

/** One search is linear in the text; this keeps all of them together linear. What lies behind the last is hidden whole. */
const SEARCHES_MAX = 64;

/** One rule, compiled. */
export class Redaction {
  readonly #pattern: RE2JS;
  /** Text, and numbers of groups. */
  readonly #replacement: readonly (string | number)[];

  /** @throws RE2JSSyntaxException when the pattern is none */
  constructor({ pattern, replacement }: RedactionRule) {
    this.#pattern = RE2JS.compile(pattern);
    this.#replacement = replacement.split(/(\$[1-9])/).map((part, index) => (index % 2 === 0 ? part : Number(part[1])));
  }

  /** The text with every match replaced. It is matched unescaped, and what is not matched stays as it was written. */
  apply(text: string): string {
    const { text: readable, origin } = unescaped(text);
    const matcher = this.#pattern.matcher(readable);
    let result = "";
    let end = 0;
    for (let searches = 1; matcher.find(); searches++) {
      const from = matcher.start();
      const to = matcher.end();
      if (searches > SEARCHES_MAX) return result + text.slice(end, origin(from)) + REDACTED;
      // An empty match hides nothing.
      if (from === to) continue;
      result += text.slice(end, origin(from));
      for (const part of this.#replacement) {
        if (typeof part === "string") result += part;
        else if (matcher.start(part) >= 0) result += text.slice(origin(matcher.start(part)), origin(matcher.end(part)));
      }
      end = origin(to);
    }
    return end === 0 ? text : result + text.slice(end);
  }
}
