/**
 * `GET /events`: the stream for who has HTTP and no WebSocket: curl, `EventSource`, any language's HTTP client.
 * @module
 */

import { Hono } from "hono";
import { accepts } from "hono/accepts";
import { describeRoute } from "hono-openapi";
import type { RequestBindings } from "./app.ts";
import type { Hub } from "./hub.ts";
import { problem } from "./problem.ts";
import { json, query } from "./route.ts";
import { apiError } from "./schema.ts";
import { subscriptionStream } from "./stream.ts";
import { ndjsonFormat, sseFormat } from "./stream-format.ts";
import { subscriptionQuery, subscriptionRequest } from "./subscription.ts";

const NDJSON_TYPE = "application/x-ndjson";
const SSE_TYPE = "text/event-stream";
/** A connection over which nothing goes, though a heartbeat should, is closed after so many heartbeats. */
const SILENT_BEATS = 4;
/** Bun counts no further. */
const SILENT_MAX_SECONDS = 255;
const FOR_EVER = 0;

const ANSWER_HEADERS = {
  "Cache-Control": "no-store",
  // nginx would keep it until it has a buffer full.
  "X-Accel-Buffering": "no",
};

/** The route. */
const createEvents = (hub: Hub): Hono<{ Bindings: RequestBindings }> => {
  const events = new Hono<{ Bindings: RequestBindings }>();
  const sse = sseFormat(hub.run);
  events.get(
    "/events",
    describeRoute({
      summary: "Live stream over HTTP",
      description:
        "A line of JSON for each event; with Accept: text/event-stream, a server-sent event whose id, given back as Last-Event-ID or in since, resumes the stream behind it. What is no event has a type: hello, gap, sync, heartbeat, error, end.",
      responses: {
        200: {
          description: "the stream, which does not end by itself",
          content: { [NDJSON_TYPE]: {}, [SSE_TYPE]: {} },
        },
        400: json("a query parameter or Last-Event-ID is wrong", apiError),
        503: json("there are too many subscribers", apiError),
      },
    }),
    query(subscriptionQuery),
    (c) => {
      const given = c.req.header("Last-Event-ID");
      const lastEvent = subscriptionQuery.shape.since.safeParse(given === "" ? undefined : given);
      if (!lastEvent.success)
        return problem(c, 400, "bad_last_event_id", `Last-Event-ID: ${lastEvent.error.issues[0]?.message}`);
      if (hub.full)
        return problem(
          c,
          503,
          "too_many_subscribers",
          "there are too many subscribers; raise --subscriber-max, or try again later",
        );
      const type = accepts(c, { header: "Accept", supports: [NDJSON_TYPE, SSE_TYPE], default: NDJSON_TYPE });
      const headers = { ...ANSWER_HEADERS, "Content-Type": type };
      if (c.req.method === "HEAD") return c.body(null, 200, headers);
      const silentSeconds = Math.ceil((hub.heartbeatMillis * SILENT_BEATS) / 1000);
      c.env.allowSeconds?.(silentSeconds <= SILENT_MAX_SECONDS ? silentSeconds : FOR_EVER);
      // A browser that reconnects asks for the URL that it began with: what it has seen since then counts.
      const wishes = subscriptionRequest(c.req.valid("query"));
      const since = lastEvent.data ?? wishes.since;
      const stream = subscriptionStream(
        hub,
        since === undefined ? wishes : { ...wishes, since },
        type === SSE_TYPE ? sse : ndjsonFormat,
        c.env.remoteAddress ?? "",
      );
      return c.body(stream, 200, headers);
    },
  );
  return events;
};

export { createEvents };
