/**
 * The HTTP routes, and nothing else: what they answer comes from their dependencies.
 * @module
 */

import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { describeRoute, openAPIRouteHandler, validator } from "hono-openapi";
import type { z } from "zod";
import type { Capture } from "../ffi/event.ts";
import { formatSubprotocols } from "./access/credentials.ts";
import { createGuard, type GuardBindings, type GuardOptions } from "./access/guard.ts";
import { asyncApi } from "./asyncapi.ts";
import { createEvents } from "./events.ts";
import type { Hub, Wishes } from "./hub.ts";
import { ledgerMetrics } from "./metrics.ts";
import { createPage, PAGE_PATHS } from "./page.ts";
import { problem } from "./problem.ts";
import { chooseFormat, formatMetrics, type HistogramFamily, CONTENT_TYPES as METRICS_TYPES } from "./prometheus.ts";
import { json, query } from "./route.ts";
import {
  apiError,
  health,
  noQuery,
  partialReceipt,
  protocolAnswer,
  protocolState,
  readiness,
  receipt,
  stats,
  syncQuery,
} from "./schema.ts";
import type { Spans } from "./spans.ts";
import { readStats } from "./stats.ts";
import { subscriptionQuery, subscriptionRequest } from "./subscription.ts";
import { SyncService } from "./sync.ts";
import type { TrafficSource } from "./traffic-source.ts";
import { SUBPROTOCOLS } from "./ws.ts";

interface AppDeps {
  capture: Capture;
  hub: Hub;
  /** Undefined when span export is off. */
  spans: Spans | undefined;
  /** What was measured of the traffic, for `/metrics`. */
  histograms?: () => readonly HistogramFamily[];
  version: string;
  /** Where the events come from; the kernel by default. */
  source?: TrafficSource;
  /** Longest wait of `POST /sync?wait=export` for the collector. */
  exportMaxMillis?: number;
  /** Who may ask; by default whoever asks from this machine, under no name that was made to point here. */
  guard?: GuardOptions;
}

/** What the listener gives to each request; see `listen.ts`. */
interface RequestBindings extends GuardBindings {
  /** Turns the request into a WebSocket; false when it does not ask for one. */
  upgrade(headers: Record<string, string>, wishes: Wishes): boolean;
  /** Gives this request so long without a byte either way, in the place of the seconds that all have; 0: for ever. */
  allowSeconds?(seconds: number): void;
}

type App = Hono<{ Bindings: RequestBindings }>;

/** The page has a content security policy beside these. */
const SECURITY_HEADERS = [
  ["X-Content-Type-Options", "nosniff"],
  ["X-Frame-Options", "DENY"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
] as const;

/** Longer than a collector is waited for. */
const SYNC_SECONDS = 60;

const NOT_RUNNING =
  "the eBPF programs are not attached or their reader does not run; the service's log and `kernelcast doctor` say why";

/** The routes of design §5, ready for `listen` or for `app.request` in tests. */
const createApp = (deps: AppDeps): App => {
  const { capture, hub, version, source = { kind: "kernel" } } = deps;
  const sync = new SyncService(deps);
  const app: App = new Hono();

  app.use(async (c, next) => {
    await next();
    for (const [name, value] of SECURITY_HEADERS) c.res.headers.set(name, value);
  });
  app.use(createGuard(deps.guard ?? { tokens: undefined, allowedHosts: [], allowedOrigins: [] }));

  app.get(
    "/ws",
    describeRoute({
      summary: "Live stream over WebSocket",
      description: `What is sent: GET /asyncapi.json. Subprotocol: none, or one of ${Object.keys(SUBPROTOCOLS).join(", ")}.`,
      responses: {
        101: { description: "the WebSocket is open" },
        400: json("a query parameter or subprotocol is not known", apiError),
        426: json("the request does not ask for a WebSocket", apiError),
        503: json("there are too many subscribers", apiError),
      },
    }),
    query(subscriptionQuery),
    (c) => {
      const offered = formatSubprotocols(c.req.header("Sec-WebSocket-Protocol"));
      const known = Object.keys(SUBPROTOCOLS);
      const chosen = offered.find((name) => known.includes(name));
      if (offered.length > 0 && chosen === undefined)
        return problem(
          c,
          400,
          "bad_subprotocol",
          `unknown subprotocol ${JSON.stringify(offered.join(", "))}; allowed: ${known.join(", ")}, or none`,
        );
      if (hub.full)
        return problem(
          c,
          503,
          "too_many_subscribers",
          "there are too many subscribers; raise --subscriber-max, or try again later",
        );
      const headers: Record<string, string> = chosen === undefined ? {} : { "Sec-WebSocket-Protocol": chosen };
      const format = SUBPROTOCOLS[chosen ?? ""];
      const wishes = { ...subscriptionRequest(c.req.valid("query")), ...(format !== undefined && { format }) };
      if (c.req.header("Upgrade")?.toLowerCase() === "websocket" && c.env.upgrade(headers, wishes)) return c.body(null);
      c.header("Upgrade", "websocket");
      return problem(c, 426, "upgrade_required", "this is a WebSocket; connect to it with a WebSocket client");
    },
  );

  app.route("/", createEvents(hub));

  app.post(
    "/sync",
    describeRoute({
      summary: "Wait until everything seen so far has been handed to every sink",
      responses: {
        200: json("the receipt", receipt),
        400: json("a query parameter is wrong", apiError),
        409: json("the capture is not running, or span export is off and was to be waited for", apiError),
        504: json("some CPU or the collector did not answer in time", partialReceipt),
      },
    }),
    query(syncQuery),
    async (c) => {
      c.env.allowSeconds?.(SYNC_SECONDS);
      const outcome = await sync.sync({ waitForExport: c.req.valid("query").wait === "export" });
      if (outcome.kind === "refused") return problem(c, 409, outcome.code, outcome.message);
      return outcome.kind === "complete" ? c.json(outcome.receipt) : c.json(outcome.receipt, 504);
    },
  );

  app.put(
    "/protocols/:protocol",
    describeRoute({
      summary: "Pause or resume the observation of a protocol, without unloading anything",
      responses: {
        200: json("what it is now", protocolAnswer),
        400: json("the body is wrong", apiError),
        404: json("no such protocol is loaded", apiError),
        409: json("the capture is not running", apiError),
      },
    }),
    validator("json", protocolState, (result, c) => {
      if (!result.success)
        return problem(
          c,
          400,
          "bad_body",
          'expected {"enabled": true} or {"enabled": false}, with "Content-Type: application/json"',
        );
    }),
    (c) => {
      const protocol = c.req.param("protocol");
      const { enabled } = c.req.valid("json");
      if (!capture.running) return problem(c, 409, "not_running", NOT_RUNNING);
      if (!capture.setEnabled(protocol, enabled)) {
        const loaded = Object.keys(capture.stats().protocols).join(", ");
        return problem(c, 404, "no_protocol", `no protocol ${JSON.stringify(protocol)} is loaded; loaded: ${loaded}`);
      }
      return c.json({ protocol, enabled } satisfies z.infer<typeof protocolAnswer>);
    },
  );

  app.get(
    "/stats",
    describeRoute({
      summary: "The whole ledger",
      responses: { 200: json("the ledger", stats), 400: json("a query parameter is wrong", apiError) },
    }),
    query(noQuery),
    (c) => c.json(readStats(deps)),
  );

  app.get(
    "/metrics",
    describeRoute({
      summary: "The ledger, and the durations of requests, for Prometheus",
      responses: {
        200: {
          description: "text exposition format 0.0.4, or OpenMetrics 1.0 with exemplars",
          content: { "text/plain": {}, "application/openmetrics-text": {} },
        },
      },
    }),
    (c) => {
      const format = chooseFormat(c.req.header("Accept"));
      const own = ledgerMetrics(readStats(deps), process.memoryUsage.rss());
      return c.text(formatMetrics(own, deps.histograms?.(), format), 200, { "Content-Type": METRICS_TYPES[format] });
    },
  );

  app.get(
    "/healthz",
    describeRoute({ summary: "The process is alive", responses: { 200: json("it is", health) } }),
    (c) => c.json({ status: "ok" } satisfies z.infer<typeof health>),
  );

  app.get(
    "/readyz",
    describeRoute({
      summary: "The programs are attached and the reader runs; or, as its source says, a capture is replayed",
      responses: { 200: json("they are", readiness), 503: json("they are not", apiError) },
    }),
    (c) =>
      capture.running
        ? c.json({ status: "ok", source } satisfies z.infer<typeof readiness>)
        : problem(c, 503, "not_ready", NOT_RUNNING),
  );

  app.get(
    "/openapi.json",
    describeRoute({ summary: "This description", responses: { 200: { description: "OpenAPI 3.1" } } }),
    openAPIRouteHandler(app, {
      documentation: {
        info: {
          title: "Kernelcast",
          version,
          description: "Live HTTP traffic of this host, seen from inside the kernel",
        },
      },
      excludeStaticFile: false,
      exclude: [...PAGE_PATHS],
      defaultValidationErrorResponse: false,
    }),
  );

  app.get(
    "/asyncapi.json",
    describeRoute({
      summary: "What goes over a subscription",
      responses: { 200: { description: "AsyncAPI 3.0", content: { "application/json": {} } } },
    }),
    (c) => c.json(asyncApi(version, c.req.url)),
  );

  app.route("/", createPage());

  app.notFound((c) => {
    const allowed = app.routes.filter((route) => route.path === c.req.path && route.method !== "ALL");
    if (allowed.length === 0)
      return problem(c, 404, "not_found", `there is nothing at ${c.req.path}; GET /openapi.json lists what there is`);
    const methods = [...new Set(allowed.map((route) => route.method))];
    c.header("Allow", (methods.includes("GET") ? ["HEAD", ...methods] : methods).join(", "));
    return problem(c, 405, "method_not_allowed", `${c.req.path} takes ${methods.join(", ")}, not ${c.req.method}`);
  });

  app.onError((error, c) => {
    // Hono's own, of a body that is no JSON or did not come: the client's mistake, and nothing for the log.
    if (error instanceof HTTPException) return problem(c, error.status, "bad_body", error.message);
    console.error(`${c.req.method} ${c.req.path} failed: ${error.stack ?? error.message}`);
    return problem(c, 500, "internal", `the service failed to answer: ${error.message}`);
  });

  return app;
};

export type { App, AppDeps, RequestBindings };
export { createApp };
