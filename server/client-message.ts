/**
 * Messages from subscribers. This version knows none; what arrives is answered by saying so.
 * @module
 */

/** Longest message taken from a subscriber, in bytes. Bun closes the connection of who sends more. */
const CLIENT_MESSAGE_MAX_BYTES = 16 * 1024;

const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** What is wrong with a message, in a line: what was expected and what was given. */
const messageFault = (message: string | Uint8Array): string => {
  if (typeof message !== "string")
    return `expected a text message with a JSON object, got a binary one of ${message.byteLength} bytes`;
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return `expected a JSON object, got ${quote(message)}`;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    return `expected a JSON object, got ${quote(message)}`;
  if (!("type" in parsed) || typeof parsed.type !== "string")
    return `expected a JSON object with a string "type", got ${quote(message)}`;
  return `unknown message type ${quote(parsed.type)}; this version takes no messages from subscribers`;
};

export { CLIENT_MESSAGE_MAX_BYTES, messageFault };
