/**
 * The span side, put together from its parts: one pipeline for each span that a transaction gets.
 * @module
 */
import type { MeterProvider } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { DecodedBatcher } from "./decoded-batcher.ts";
import { EncodedBatcher } from "./encoded-batcher.ts";
import { withEnvironment } from "./environment.ts";
import { createSpanBatchExporter } from "./exporter.ts";
import { CollectorHealth } from "./health.ts";
import type { IdGenerator } from "./ids.ts";
import { joinPipelines } from "./joined.ts";
import { spanLimits } from "./limits.ts";
import type { Log } from "./log.ts";
import { knownMethods } from "./method.ts";
import { optIn } from "./opt-in.ts";
import { createSpanPipeline, type SpanPipeline } from "./pipeline.ts";
import type { Batcher } from "./queue.ts";
import { watchRetries } from "./reachability.ts";
import type { EventSampler } from "./sampler.ts";
import { observeProcessor } from "./self-telemetry.ts";
import { decodedSerializer, encodedSerializer, type SpanBatchSerializer } from "./serializer.ts";
import type { Environment, ExportSettings } from "./settings.ts";
import type { SideRule } from "./side.ts";
import { createSpanFactory } from "./span.ts";
import { TraceRequest } from "./trace-request.ts";

interface SpansOptions {
  env: Environment;
  log: Log;
  settings: ExportSettings;
  resource: Resource;
  /** Of Kernelcast. */
  version: string;
  ids: IdGenerator;
  sampler: EventSampler;
  /** A span each; at least one. */
  sides: readonly SideRule[];
  /** Server spans stand under client spans of the same transaction. */
  underClientSpan: boolean;
  /** Counts what becomes of spans, under the SDK's names. */
  meterProvider: MeterProvider;
}

/**
 * A turn of the event loop takes some milliseconds under load and a request three of them: at 200,000 spans/s, in batches of
 * 512, eight at once were too few. A buffer each is what they cost.
 */
const EXPORTS_MAX = 16;

/** `url` is where they go. */
function createSpans(options: SpansOptions): { pipeline: SpanPipeline; url: string } {
  const { env, log, settings, resource, version, sampler, sides, meterProvider } = options;
  const { protocol } = settings;
  const limits = spanLimits(env, (message) => log.warn(message));
  const rules = {
    ...options,
    knownMethods: knownMethods(env.OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS),
    optIn: optIn(env),
    limits,
  };
  const ready = resource.waitForAsyncAttributes?.() ?? Promise.resolve();
  const request = new TraceRequest(resource, version);
  let health: CollectorHealth | undefined;
  const pipelineOf = <P>(batcher: Batcher<P>, serializer: SpanBatchSerializer<P>) => {
    let onRetry = () => {};
    const exporter = withEnvironment(env, () =>
      createSpanBatchExporter({
        protocol,
        serializer,
        concurrencyMax: EXPORTS_MAX,
        ready,
        onRetry: () => onRetry(),
        meterProvider,
      }),
    );
    health ??= new CollectorHealth({ url: exporter.url, log });
    onRetry = watchRetries(exporter.url, health);
    const pipeline = createSpanPipeline({
      batcher,
      exporter,
      exportsMax: EXPORTS_MAX,
      health,
      settings: settings.queue,
    });
    return { url: exporter.url, pipeline };
  };
  // Limits are about single attributes, and the fast way keeps them in blocks.
  const isPlain = protocol === "http/json" || limits !== undefined;
  const all = sides.map((sideOf) =>
    isPlain
      ? pipelineOf(new DecodedBatcher(sampler), decodedSerializer(protocol, createSpanFactory({ ...rules, sideOf })))
      : pipelineOf(new EncodedBatcher({ ...rules, sideOf }), encodedSerializer(request)),
  );
  const pipeline = joinPipelines(all.map((one) => one.pipeline));
  observeProcessor(meterProvider, () => pipeline.stats(), settings.queue.queueSizeMax * sides.length);
  return { pipeline, url: all[0]?.url ?? "" };
}

export { createSpans };
