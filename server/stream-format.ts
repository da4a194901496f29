/**
 * The forms of `GET /events`. An event is a line, or an SSE message, of its own; whatever else there is to say has a `type`,
 * which an event has not.
 * @module
 */

import type { Chunk, Selection } from "./chunk.ts";
import type { Format } from "./format.ts";
import type { Message } from "./frame.ts";

const LINE_FEED = 10;

/** Newline-delimited JSON. */
const ndjsonFormat: Format = {
  name: "ndjson",
  form: "json",
  frame({ json }, { slots, count }) {
    let length = 0;
    for (let index = 0; index < count; index++)
      length += json.endOf(slots[index] as number) - startOf(json, slots, index) + 1;
    const frame = Buffer.allocUnsafeSlow(length);
    let at = 0;
    for (let index = 0; index < count; index++) {
      at += json.out.bytes.copy(frame, at, startOf(json, slots, index), json.endOf(slots[index] as number));
      frame[at++] = LINE_FEED;
    }
    return { bytes: frame };
  },
  control: (message) => Buffer.from(`${JSON.stringify(message)}\n`),
};

const startOf = (json: Chunk["json"], slots: Selection["slots"], index: number): number =>
  json.start(slots[index] as number);

/** How soon a browser that was disconnected comes back. */
const RETRY_MILLIS = 1000;

/** Of the last event that a client need not be given again when it has seen this. */
const lastSeqOf = (message: Message): number | undefined => {
  if (message.type === "hello" || message.type === "heartbeat") return message.nextSeq - 1;
  return message.type === "gap" ? message.toSeq : undefined;
};

/**
 * Server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html. The id, which a browser gives back
 * when it reconnects, is what `since` takes: the event's number and this life of the service.
 */
const sseFormat = (run: string): Format => ({
  name: "sse",
  form: "json",
  frame(chunk, { slots, count }) {
    let text = "";
    for (let index = 0; index < count; index++) {
      const slot = slots[index] as number;
      const event = chunk.json.out.read(chunk.json.start(slot), chunk.json.endOf(slot));
      text += `id: ${chunk.seq(slot)}@${run}\ndata: ${event}\n\n`;
    }
    return { bytes: Buffer.from(text) };
  },
  control(message) {
    const seq = lastSeqOf(message);
    const id = seq === undefined ? "" : `id: ${seq}@${run}\n`;
    // Without data it is no event for the page, but the id counts.
    if (message.type === "heartbeat") return Buffer.from(`${id}: heartbeat\n\n`);
    const retry = message.type === "hello" ? `retry: ${RETRY_MILLIS}\n` : "";
    return Buffer.from(`${retry}${id}event: ${message.type}\ndata: ${JSON.stringify(message)}\n\n`);
  },
});

export { ndjsonFormat, sseFormat };
