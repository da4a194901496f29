/** @import { ObservedEvent } from "./index.d.ts" */
/** @import { Link, LinkOptions, Message } from "./link.d.ts" */
import { subscriptionUrl } from "./address.js";
import { readRefusal, unreachable } from "./connect-error.js";

/** @param {LinkOptions} options @returns {Link} */
export const openHttp = (options) => {
  const leaving = new AbortController();
  /** @type {Promise<{ reason: string }>} */
  const left = new Promise((resolve) => {
    leaving.signal.addEventListener("abort", () => resolve({ reason: "closed here" }));
  });
  return {
    kind: "http",
    // It may be waiting for room that nobody makes.
    ended: Promise.race([read(options, leaving.signal), left]),
    send: () => {},
    close: () => leaving.abort(),
  };
};

/** @param {LinkOptions} options @param {AbortSignal} signal @returns {Link["ended"]} */
const read = async ({ service, subscription, token, fetch, onMessage, onEvents, room }, signal) => {
  let reason = "the answer ended";
  let isGreeted = false;
  try {
    const response = await fetch(subscriptionUrl(service, subscription, "events"), {
      headers: { Accept: "application/x-ndjson", ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
      signal,
    });
    if (!response.ok || response.body === null) return { reason, refusal: await readRefusal(response) };
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (let rest = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return { reason };
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const item of readLines(lines)) {
        if (signal.aborted) break;
        isGreeted = true;
        if (Array.isArray(item)) onEvents(item);
        else if (item.type === "end") reason = item.reason;
        else onMessage(item);
      }
      await room();
    }
  } catch (error) {
    if (isGreeted) return { reason: error instanceof Error ? error.message : String(error) };
    return { reason, refusal: unreachable(service, error) };
  }
};

/**
 * Events that follow each other together, what is none alone.
 *
 * @param {string[]} lines @returns {Generator<ObservedEvent[] | Message>}
 */
function* readLines(lines) {
  /** @type {ObservedEvent[]} */
  let events = [];
  for (const line of lines) {
    const item = JSON.parse(line);
    if (item.type === undefined) {
      events.push(item);
      continue;
    }
    if (events.length > 0) yield events;
    events = [];
    yield item;
  }
  if (events.length > 0) yield events;
}
