/**
 * The composition root: the only place that knows all the parts. Capture → hub and spans, behind one listener, and the
 * order in which they begin and end.
 * @module
 */

import type { KernelCapture } from "../ffi/capture.ts";
import type { EventSink, HttpEvent, ObservedEvent } from "../ffi/event.ts";
import { TargetPolicy } from "../ffi/target-policy.ts";
import { createTelemetry, type Telemetry, TelemetrySettingError } from "../otel/telemetry.ts";
import manifest from "../package.json" with { type: "json" };
import { createApp } from "./app.ts";
import type { Config } from "./config.ts";
import { failures } from "./doctor.ts";
import { Hub } from "./hub.ts";
import { ListenError, type Listener, listen } from "./listen.ts";

const EXIT_REFUSED = 2;
/** Together below the 5 s within which an end is promised. */
const DRAIN_MILLIS = 1500;
const FAREWELL_MILLIS = 2500;

const log = {
  info: (message: string) => console.log(message),
  warn: (message: string) => console.warn(`warning: ${message}`),
};

interface Running {
  capture: KernelCapture;
  telemetry: Telemetry;
  listener: Listener;
}

/** Serves until SIGINT or SIGTERM. Resolves to the exit code: 2 with one message when something needed is missing. */
export async function serve(config: Config): Promise<number> {
  let running: Running;
  try {
    running = await begin(config);
  } catch (error) {
    console.error(`kernelcast: ${await refusal(error)}`);
    return EXIT_REFUSED;
  }
  announce(running);
  const signal = await nextSignal();
  log.info(`${signal}: detaching, then handing over what was captured`);
  await end(running);
  return 0;
}

async function begin(config: Config): Promise<Running> {
  const telemetry = createTelemetry({ env: process.env, log, version: manifest.version, spans: config.spans });
  const { protocols, queueMax, subscriberMax } = config;
  const hub = new Hub({ queueMax, subscriberMax, protocols, version: manifest.version });
  const sinks: EventSink[] = telemetry.pipeline === undefined ? [hub] : [hub, httpOnly(telemetry.pipeline)];
  // Late: without libbpf the import itself fails, and that is a message like any other.
  const { KernelCapture } = await import("../ffi/capture.ts");
  const capture = new KernelCapture(
    {
      protocols,
      ringBytes: config.ringKib * 1024,
      connectionsMax: config.maxConnections,
      idleTimeoutMillis: config.idleTimeoutSeconds * 1000,
      captureQuery: config.captureQuery,
      pathMax: config.pathMax,
      policy: new TargetPolicy({
        templates: config.template,
        templateOnly: config.templateOnly,
        redactions: config.redact,
        secretParameters: config.redactQuery,
      }),
    },
    sinks,
  );
  try {
    const app = createApp({ capture, hub, spans: telemetry.pipeline, version: manifest.version });
    const listener = listen({ host: config.host, port: config.port, app, hub });
    capture.setListenPort(listener.port);
    await capture.start();
    return { capture, telemetry, listener };
  } catch (error) {
    capture.close();
    throw error;
  }
}

/** Spans are made of HTTP transactions; a batch is of one protocol. */
function httpOnly(pipeline: EventSink<HttpEvent>): EventSink {
  const isHttp = (batch: readonly ObservedEvent[]): batch is readonly HttpEvent[] => batch[0]?.protocol === "http";
  return {
    offer(batch) {
      if (isHttp(batch)) pipeline.offer(batch);
    },
  };
}

/** One message: what is missing and what to do. Whatever is no known refusal is a bug and keeps its stack. */
async function refusal(error: unknown): Promise<string> {
  if (error instanceof ListenError || error instanceof TelemetrySettingError) return error.message;
  if (error instanceof Error && error.name === "CaptureError") {
    const missing = await failures();
    const remedies = missing.map(({ name, why, remedy = "" }) => `${name}: ${why}. ${remedy}`);
    return [error.message, ...remedies, '"kernelcast doctor" shows everything that is needed.'].join("\n");
  }
  if (error instanceof Error && /dlopen/i.test(error.message)) {
    return `the reader library cannot be loaded: ${error.message}\nInstall libbpf (Debian: libbpf1), then build with "npm start".`;
  }
  return Bun.inspect(error);
}

function announce({ listener: { url, host, port }, telemetry }: Running): void {
  const ws = `ws://${host.includes(":") ? `[${host}]` : host}:${port}/ws`;
  log.info(`Kernelcast ${manifest.version} watches the HTTP traffic of this host.
  page        ${url}/
  subscribe   ${ws}
  sync        curl -X POST ${url}/sync
  spans       ${telemetry.url ?? "off"}`);
}

/** The first SIGINT or SIGTERM; a second SIGINT while ending ends at once. */
function nextSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  process.once("SIGINT", () => {
    process.on("SIGINT", () => process.exit(130));
    resolve("SIGINT");
  });
  process.on("SIGTERM", () => resolve("SIGTERM"));
  return promise;
}

/** Detach, drain, flush spans while subscribers read the rest, close. */
async function end({ capture, telemetry, listener }: Running): Promise<void> {
  await Promise.race([capture.stop(), Bun.sleep(DRAIN_MILLIS)]);
  await Promise.all([telemetry.shutdown(FAREWELL_MILLIS), listener.close(FAREWELL_MILLIS)]);
  const { protocols } = capture.stats();
  capture.close();
  for (const [name, { observed, delivered, dropped }] of Object.entries(protocols)) {
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    log.info(`${name}: ${observed} observed, ${delivered} delivered, ${lost} dropped.`);
  }
}
