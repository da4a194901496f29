/**
 * Messages from subscribers.
 * @module
 */

import { z } from "zod";
import { faultLine } from "./fault.ts";
import { type Filter, filterKeys, filterSchema } from "./filter.ts";

/** Longest message taken from a subscriber, in bytes. Bun closes the connection of who sends more. */
const CLIENT_MESSAGE_MAX_BYTES = 16 * 1024;

/** From now on another filter holds. */
const subscribeMessage = z.strictObject({ type: z.literal("subscribe"), filter: filterSchema });

/** What a message asks for, or what is wrong with it, in a line: what was expected and what was given. */
type ClientMessage = { kind: "subscribe"; filter: Filter } | { kind: "fault"; message: string };

const SUBSCRIBE = '{"type":"subscribe","filter":{…}}';

const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

const fault = (message: string): ClientMessage => ({ kind: "fault", message });

const readMessage = (message: string | Uint8Array): ClientMessage => {
  if (typeof message !== "string")
    return fault(`expected a text message with a JSON object, got a binary one of ${message.byteLength} bytes`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return fault(`expected a JSON object, got ${quote(message)}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    return fault(`expected a JSON object, got ${quote(message)}`);
  const { type, filter } = parsed as Record<string, unknown>;
  if (typeof type !== "string") return fault(`expected a JSON object with a string "type", got ${quote(message)}`);
  if (type !== "subscribe") return fault(`unknown message type ${quote(type)}; allowed: ${SUBSCRIBE}`);
  const result = subscribeMessage.safeParse(parsed);
  if (result.success) return { kind: "subscribe", filter: result.data.filter };
  const { issues } = result.error;
  if (
    typeof filter !== "object" ||
    filter === null ||
    Array.isArray(filter) ||
    issues.some(({ path }) => path.length === 0)
  )
    return fault(`expected ${SUBSCRIBE} and nothing beside, got ${quote(message)}`);
  return fault(
    faultLine(
      issues.map((issue) => ({ ...issue, path: issue.path.slice(1) })),
      {
        noun: "filter key",
        known: Object.keys(filterKeys),
        given: (key) => [(filter as Record<string, unknown>)[key]].flat(),
      },
    ),
  );
};

export type { ClientMessage };
export { CLIENT_MESSAGE_MAX_BYTES, readMessage };
