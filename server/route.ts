/**
 * What routes have in common: how their answers are described, and how their query parameters are read.
 * @module
 */

import { resolver, validator } from "hono-openapi";
import type { z } from "zod";
import { problem, queryFault } from "./problem.ts";

/** An answer of JSON, for `describeRoute`. */
const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { "application/json": { schema: resolver(schema) } },
});

/** Reads the query parameters; what is wrong with them is answered with 400. */
const query = <S extends z.ZodObject>(schema: S) =>
  validator("query", schema, (result, c) => {
    if (!result.success) return problem(c, 400, "bad_query", queryFault(schema, result.error, c.req.url));
  });

export { json, query };
