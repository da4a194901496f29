/**
 * The composition root: the only place that knows all the parts. Capture → hub and spans, behind one listener, and the
 * order in which they begin and end.
 * @module
 */

import type { Sink } from "../ffi/event.ts";
import { http_event } from "../ffi/layout.generated.ts";
import { createTelemetry, type Telemetry, TelemetrySettingError } from "../otel/telemetry.ts";
import manifest from "../package.json" with { type: "json" };
import { AccessError, readAccess } from "./access/access.ts";
import { TokenFileError } from "./access/tokens.ts";
import { createApp } from "./app.ts";
import type { Config } from "./config.ts";
import { failures } from "./doctor.ts";
import { Hub } from "./hub.ts";
import { KernelFilter } from "./kernel-filter.ts";
import { ListenError, type Listener, listen } from "./listen.ts";
import { ledgerMetrics } from "./metrics.ts";
import { type OpenCapture, openCapture, openHistory, targetPolicy } from "./open-capture.ts";
import { replaySummary, replayWarnings } from "./replay-summary.ts";
import { readStats } from "./stats.ts";
import { type Attach, type ChosenSource, chooseSource, kernelSource } from "./traffic-source.ts";

const EXIT_REFUSED = 2;
/** Together below the 5 s within which an end is promised. */
const DRAIN_MILLIS = 1500;
const FAREWELL_MILLIS = 2500;
/** Each message is one line that says what to do. */
const REFUSALS = [ListenError, TelemetrySettingError, AccessError, TokenFileError];
/** A replay waits for subscribers, who may then hold one offer and a part of the next. */
const REPLAY_QUEUE_MIN = 512;

const log = {
  info: (message: string) => console.log(message),
  warn: (message: string) => console.warn(`warning: ${message}`),
};

interface Running extends OpenCapture {
  chosen: ChosenSource;
  telemetry: Telemetry;
  listener: Listener;
}

/** Serves until SIGINT or SIGTERM. Resolves to the exit code: 2 with one message when something needed is missing. */
export async function serve(config: Config): Promise<number> {
  let running: Running;
  try {
    running = await begin(config);
  } catch (error) {
    console.error(`kernelcast: ${await refusal(error, config)}`);
    return EXIT_REFUSED;
  }
  announce(running, config, await running.telemetry.findOutage());
  void running.replay?.ended.then(() => reportEnd(running));
  const signal = await nextSignal();
  log.info(`${signal}: detaching, then handing over what was captured`);
  await end(running);
  return 0;
}

async function begin(config: Config): Promise<Running> {
  const { guard, tls } = readAccess(config);
  const chosen = await chooseSource(config);
  const { source } = chosen;
  // A demonstration among real spans would be a lie.
  const env = source.kind === "demo" ? { ...process.env, OTEL_SDK_DISABLED: "true" } : process.env;
  const telemetry = createTelemetry({ env, log, version: manifest.version, spans: config.spans });
  const policy = targetPolicy(config);
  const history = openHistory(config, policy);
  const telemetrySinks = [telemetry.metrics, telemetry.pipeline].filter((sink) => sink !== undefined);
  // Whatever else looks at the traffic wants all of it.
  const kernelFilter =
    config.kernelFilter && telemetrySinks.length === 0
      ? new KernelFilter({ lingerMillis: history === undefined ? 0 : config.historySeconds * 1000 })
      : undefined;
  const hub = new Hub({
    queueMax: source.kind === "replay" ? Math.max(config.queueMax, REPLAY_QUEUE_MIN) : config.queueMax,
    queueMaxBytes: config.queueMib * 1024 * 1024,
    queueMaxMillis: config.queueSeconds * 1000,
    heartbeatMillis: config.heartbeatSeconds * 1000,
    subscriberMax: config.subscriberMax,
    history,
    interest: kernelFilter,
    recordLayout: http_event,
    protocols: source.kind === "kernel" ? config.protocols : ["http"],
    version: manifest.version,
    source,
  });
  const sinks: Sink[] = [hub, ...telemetrySinks];
  const opened = await openCapture(config, chosen, { sinks, policy, history });
  const { capture, kernel, replay } = opened;
  try {
    const { version } = manifest;
    const spans = telemetry.pipeline;
    const app = createApp({ capture, hub, spans, histograms: () => telemetry.readMetrics(), version, source, guard });
    telemetry.observeHealth(() =>
      ledgerMetrics(readStats({ capture, hub, spans, version }), process.memoryUsage.rss()),
    );
    const { host, port, unixSocket } = config;
    const listener = listen({ host, port, unixSocket, tls, compress: config.compress, app, hub });
    if (unixSocket === undefined) kernel?.setListenPort(listener.port);
    await capture.start();
    if (kernel !== undefined) kernelFilter?.attach(kernel);
    const waits = source.kind === "replay" && !config.noWait;
    void (waits ? hub.firstSubscriber : Promise.resolve()).then(() => replay?.play());
    return { ...opened, chosen, telemetry, listener };
  } catch (error) {
    capture.close();
    throw error;
  }
}

/** One message: what is missing and what to do. Whatever is no known refusal is a bug and keeps its stack. */
async function refusal(error: unknown, config: Config): Promise<string> {
  const isRefusal = REFUSALS.some((kind) => error instanceof kind);
  if (isRefusal) return (error as Error).message;
  if (error instanceof Error && error.name === "CaptureError") {
    if (config.source !== "kernel") return error.message;
    const missing = await failures(kernelSource(config).attach);
    const remedies = missing.map(({ name, why, remedy = "" }) => `${name}: ${why}. ${remedy}`);
    return [error.message, ...remedies, '"kernelcast doctor" shows everything that is needed.'].join("\n");
  }
  if (error instanceof Error && /dlopen/i.test(error.message)) {
    return `the reader library cannot be loaded: ${error.message}\nInstall libbpf (Debian: libbpf1), then build with "npm start".`;
  }
  return Bun.inspect(error);
}

/** @param outage why the collector cannot be reached now, if it cannot */
function announce(
  { chosen, listener: { url }, telemetry }: Running,
  { noWait, unixSocket }: Config,
  outage: string | undefined,
): void {
  const { kind, notice, attach, cgroup } = chosen.source;
  if (kind === "demo") console.warn(loud(notice ?? ""));
  const does = {
    kernel: watches(attach, cgroup),
    replay: "replays a capture",
    demo: "plays a recording",
  }[kind];
  const ways =
    unixSocket === undefined
      ? `page        ${url}/
  subscribe   ${url.replace(/^http/, "ws")}/ws
  sync        curl -X POST ${url}/sync`
      : `sync        curl --unix-socket ${unixSocket} -X POST http://localhost/sync`;
  const begins = noWait ? "" : " It begins with the first subscriber, for example the page; --no-wait begins at once.";
  log.info(`Kernelcast ${manifest.version} ${does}.
  ${ways}
  spans       ${telemetry.url ?? "off"}${outage === undefined ? "" : ` (${outage})`}${kind === "replay" ? `\n${notice}${begins}` : ""}`);
}

function watches(attach: Attach | undefined, cgroup: string | undefined): string {
  if (cgroup !== undefined) return `watches the HTTP traffic of the sockets of ${cgroup}`;
  return attach === "cgroup"
    ? "watches the HTTP traffic of all sockets of this host"
    : "watches the HTTP traffic of this host";
}

/** A text that nobody overlooks. */
function loud(text: string): string {
  const rule = "*".repeat(72);
  return `${rule}\n${text}\n${rule}`;
}

async function reportEnd({ replay, chosen }: Running): Promise<void> {
  if (replay === undefined) return;
  for (const warning of replayWarnings(replay.status())) log.warn(warning);
  log.info(replaySummary(chosen.file ?? "", replay.status(), replay.stats()));
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
