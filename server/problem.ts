/**
 * Answers that say what went wrong, all in one shape.
 * @module
 */

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { z } from "zod";
import { suggestion } from "./nearest.ts";
import type { ApiError } from "./schema.ts";

const problem = (c: Context, status: ContentfulStatusCode, code: string, message: string) =>
  c.json({ error: { code, message } } satisfies ApiError, status);

interface QueryIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  /** Of zod, for keys that the schema does not know. */
  readonly keys?: readonly string[];
}

const quote = (values: readonly string[]) => values.map((value) => JSON.stringify(value)).join(" and ");

/** One line that names each wrong key of a query and what is allowed. */
const queryFault = (schema: z.ZodObject, issues: readonly QueryIssue[], url: string): string => {
  const given = new URL(url).searchParams;
  const known = Object.keys(schema.shape);
  const allowed = known.length === 0 ? "none is allowed here" : `allowed: ${known.join(", ")}`;
  const lines = issues.flatMap(({ keys, path, message }) => {
    if (keys !== undefined)
      return keys.map((key) => `unknown query parameter ${JSON.stringify(key)}${suggestion(key, known)}; ${allowed}`);
    const first = path?.[0];
    const key = String(typeof first === "object" ? first.key : first);
    return `query parameter ${JSON.stringify(key)}: ${message}, got ${quote(given.getAll(key))}`;
  });
  return lines.join("; ");
};

export { problem, queryFault };
