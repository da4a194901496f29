import { expect, test } from "bun:test";
import { type SpanPolicy, type SpanSide, sideRules } from "../../otel/side.ts";

const HERE = "10.0.0.1";
const THERE = "192.0.2.1";
const isLocal = (address: string) => address === HERE;

/** Columns: the policy, the client's and the server's address, the spans. */
test.each([
  ["auto", THERE, HERE, ["server"]],
  ["auto", HERE, HERE, ["server"]],
  ["auto", HERE, THERE, ["client"]],
  ["auto", THERE, THERE, ["server"]],
  ["server", HERE, THERE, ["server"]],
  ["client", THERE, HERE, ["client"]],
  ["both", THERE, THERE, ["client", "server"]],
  ["both", HERE, HERE, ["client", "server"]],
] as [SpanPolicy, string, string, SpanSide[]][])("--spans=%s: from %s to %s gives %p", (policy, from, to, sides) => {
  const rules = sideRules(policy, isLocal);
  expect(rules.map((rule) => rule(from, to))).toEqual(sides);
  expect(rules.map((rule) => rule.ofServer?.(to) ?? rule(from, to))).toEqual(sides);
});
