/**
 * The settings that say what of a request target is reported. Patterns are checked here, at start; `ffi/` applies them.
 * @module
 */

import { RE2JS } from "re2js";
import { z } from "zod";

const ARROW = "=>";

interface Redaction {
  pattern: string;
  replacement: string;
}

/** Why a rule cannot be used, in the words of an error; undefined: it can. */
const redactionFault = ({ pattern, replacement }: Redaction): string | undefined => {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace("error parsing regexp: ", "") : String(error);
    return `expected a regular expression of RE2 before ${ARROW} (${reason})`;
  }
  if (compiled.testExact("")) return `expected a pattern before ${ARROW} that does not match an empty text`;
  const highest = Math.max(0, ...[...replacement.matchAll(/\$([1-9])/g)].map(([, digit]) => Number(digit)));
  if (highest > compiled.groupCount())
    return `expected a pattern before ${ARROW} with ${highest} groups, for $${highest}`;
};

/** `PATTERN=>REPLACEMENT`; the last arrow counts, since a pattern may hold one. */
const redaction = () =>
  z.string().transform((text, context): Redaction => {
    const at = text.lastIndexOf(ARROW);
    const rule = { pattern: text.slice(0, Math.max(0, at)), replacement: text.slice(at + ARROW.length) };
    const fault = at < 0 ? `expected PATTERN${ARROW}REPLACEMENT` : redactionFault(rule);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
    return rule;
  });

const TEMPLATE = /^(?=\/)(?:\/(?:[^/?#*{}\s]|\*(?!\*)|\{\w+\})*)*(?:(?<=^|\/)\*\*)?$/;

const template = () =>
  z
    .string()
    .regex(
      TEMPLATE,
      "expected a path such as /users/{id}, with * or {name} for what varies and ** only as the last segment",
    );

const parameterName = () => z.string().regex(/^[^&;=\s]+$/, "expected the name of a query parameter");

export { parameterName, redaction, template };
