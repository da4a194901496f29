/**
 * Answers that say what went wrong, all in one shape.
 * @module
 */

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { z } from "zod";
import { faultLine, type Issue } from "./fault.ts";
import type { ApiError } from "./schema.ts";

const problem = (c: Context, status: ContentfulStatusCode, code: string, message: string) =>
  c.json({ error: { code, message } } satisfies ApiError, status);

/** One line that names each wrong key of a query and what is allowed. */
const queryFault = (schema: z.ZodObject, issues: readonly Issue[], url: string): string => {
  const given = new URL(url).searchParams;
  return faultLine(issues, {
    noun: "query parameter",
    known: Object.keys(schema.shape),
    given: (key) => given.getAll(key),
  });
};

export { problem, queryFault };
