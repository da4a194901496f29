/**
 * What a subscriber asks for, on whatever way it comes: one schema of URL parameters for all of them.
 * @module
 */

import { z } from "zod";
import { canonicalFilter, type Filter, filterKeys } from "./filter.ts";

/**
 * What becomes of events for which there is no room: `drop-newest`, they are dropped, so that what waits stays whole;
 * `drop-oldest`, they take the place of what has waited longest; `sample`, the fuller the queue, the fewer are let in, evenly
 * spread; `disconnect`, the connection is closed.
 */
const POLICIES = ["drop-newest", "drop-oldest", "sample", "disconnect"] as const;
type Policy = (typeof POLICIES)[number];

/** Where to begin: behind an event, of which life of the service if that is known; or so long ago. */
type Since = { seq: number; run?: string } | { agoMillis: number };

interface SubscriptionRequest {
  filter: Filter;
  /** Absent: now. */
  since?: Since;
  policy: Policy;
}

const SINCE_ERROR =
  "expected the number of the last event seen, such as 812 or 812@RUN, or a time such as 10s, 500ms or 2m";
const UNIT_MILLIS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

const parseSince = (text: string): Since | undefined => {
  const [, seq, run] = /^(\d{1,15})(?:@([0-9a-z]{1,32}))?$/.exec(text) ?? [];
  if (seq !== undefined) return run === undefined ? { seq: Number(seq) } : { seq: Number(seq), run };
  const [, amount, unit = ""] = /^(\d{1,9})(ms|s|m)$/.exec(text) ?? [];
  return amount === undefined ? undefined : { agoMillis: Number(amount) * (UNIT_MILLIS[unit] ?? 0) };
};

const since = z
  .string({ error: SINCE_ERROR })
  .transform((text, context): Since => {
    const parsed = parseSince(text);
    if (parsed === undefined) context.addIssue({ code: "custom", message: SINCE_ERROR });
    return parsed ?? { agoMillis: 0 };
  })
  .optional()
  .meta({
    description:
      "begin behind this event, as far as the history goes: its seq, with @ and the run of the hello frame behind it; or so long ago, such as 10s",
  });

const policy = z
  .enum(POLICIES, { error: `expected one of ${POLICIES.join(", ")}` })
  .default("drop-newest")
  .meta({ description: "what becomes of events for which a slow subscriber has no room" });

/** Of a URL. */
const subscriptionQuery = z.strictObject({ ...filterKeys, since, policy });

const subscriptionRequest = ({ since, policy, ...keys }: z.infer<typeof subscriptionQuery>): SubscriptionRequest => ({
  filter: canonicalFilter(keys),
  ...(since === undefined ? {} : { since }),
  policy,
});

export type { Policy, Since, SubscriptionRequest };
export { POLICIES, subscriptionQuery, subscriptionRequest };
