/**
 * Three ways from a transaction to a collector. All use the SDK's transport, with protobuf, requests of 512 spans and up to
 * sixteen of them at once. The SDK's two are given events that are decoded already; ours begins with the kernel's bytes.
 */
import { SpanStatusCode } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import { OTLPExporterBase } from "@opentelemetry/otlp-exporter-base";
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from "@opentelemetry/otlp-exporter-base/node-http";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { defaultResource } from "@opentelemetry/resources";
import { BatchSpanProcessor, type ReadableSpan, TracerProvider } from "@opentelemetry/sdk-trace";
import type { HttpEvent } from "../../ffi/event.ts";
import { HttpCursor } from "../../ffi/http-cursor.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { spanAttributes } from "../../otel/attributes.ts";
import { IdGenerator } from "../../otel/ids.ts";
import { knownMethods } from "../../otel/method.ts";
import { createSpanFactory, spanHead } from "../../otel/span.ts";
import { createTelemetry } from "../../otel/telemetry.ts";
import { addNanos, hrTimeFromUnixNano } from "../../otel/time.ts";
import { CLOCK, decodedEvents, kernelBatches, REQUEST_SPANS } from "./span-events.ts";

export type SpanWayName = "tracer" | "readable" | "ours";

/** Sends at least so many spans, and resolves to how many when all are acknowledged. */
export type SpanWay = (count: number) => Promise<number>;

const EXPORTS_MAX = 16;
const ROUND_SPANS = EXPORTS_MAX * REQUEST_SPANS;
const METHODS = knownMethods(undefined);

export const SPAN_WAYS: Readonly<Record<SpanWayName, (url: string) => SpanWay>> = {
  tracer: tracerWay,
  readable: readableWay,
  ours: ourWay,
};

/** What an instrumentation does: a tracer, and the SDK's batch processor behind it. */
function tracerWay(url: string): SpanWay {
  const processor = new BatchSpanProcessor({
    exporter: sdkExporter(url),
    maxQueueSize: 2 * ROUND_SPANS,
    maxExportBatchSize: REQUEST_SPANS,
  });
  const tracer = new TracerProvider({ resource: defaultResource(), spanProcessors: [processor] }).getTracer("bench");
  const record = (event: HttpEvent) => {
    const { name, kind, method, error } = spanHead(event, "server", METHODS);
    const attributes = spanAttributes(event, { side: "server", method, error, bodySizes: false });
    const startTime = hrTimeFromUnixNano(event.startTimeUnixNano);
    const span = tracer.startSpan(name, { kind, startTime, attributes });
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(addNanos(startTime, event.durationNano));
  };
  const next = endless(decodedEvents());
  return async (count) => {
    let sent = 0;
    for (; sent < count; sent += ROUND_SPANS) {
      for (let i = 0; i < ROUND_SPANS; i++) record(next());
      await processor.forceFlush();
    }
    return sent;
  };
}

/** Spans made by hand, and the SDK's exporter. */
function readableWay(url: string): SpanWay {
  const exporter = sdkExporter(url);
  const toSpan = createSpanFactory({
    resource: defaultResource(),
    version: "0.0.0",
    ids: new IdGenerator(),
    knownMethods: METHODS,
    sideOf: () => "server",
    underClientSpan: false,
    optIn: { server: false, client: false },
    limits: undefined,
  });
  const next = endless(decodedEvents());
  const request = () =>
    new Promise<void>((resolve, reject) => {
      const spans = Array.from({ length: REQUEST_SPANS }, () => toSpan(next()));
      exporter.export(spans, ({ code, error }: ExportResult) => {
        if (code === ExportResultCode.SUCCESS) resolve();
        else reject(error);
      });
    });
  return async (count) => {
    let sent = 0;
    const sender = async () => {
      while (sent < count) {
        sent += REQUEST_SPANS;
        await request();
      }
    };
    await Promise.all(Array.from({ length: EXPORTS_MAX }, sender));
    return sent;
  };
}

/** The service's own, from the batch that the kernel handed over to the acknowledgement. */
function ourWay(url: string): SpanWay {
  const { pipeline } = createTelemetry({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_METRICS_EXPORTER: "none" },
    log: { info: () => {}, warn: (message) => console.error(message) },
    version: "0.0.0",
  });
  if (pipeline === undefined) throw new Error("expected span export to be on");
  const cursor = new HttpCursor(new TargetPolicy());
  const next = endless(kernelBatches());
  let seq = 1;
  return async (count) => {
    const before = pipeline.stats();
    let sent = 0;
    while (sent < count) {
      for (let offered = 0; offered < REQUEST_SPANS; offered += cursor.length) {
        cursor.open(next(), seq, CLOCK);
        seq += cursor.length;
        pipeline.offerRaw(cursor);
      }
      sent += REQUEST_SPANS;
      await (pipeline.ready?.() ?? new Promise((resolve) => setImmediate(resolve)));
    }
    await pipeline.flush();
    const { exported } = pipeline.stats();
    if (exported - before.exported !== sent) throw new Error(`sent ${sent} spans, exported ${exported}`);
    return sent;
  };
}

function sdkExporter(url: string): OTLPExporterBase<ReadableSpan[]> {
  const headers = { "Content-Type": "application/x-protobuf" };
  const options = { url: `${url}/v1/traces`, concurrencyLimit: 2 * EXPORTS_MAX };
  return new OTLPExporterBase(
    createOtlpHttpExportDelegate(
      convertLegacyHttpOptions(options, "TRACES", "v1/traces", headers),
      ProtobufTraceSerializer,
      "otlp_http_span_exporter",
      { name: "span", countItems: (spans: ReadableSpan[]) => spans.length },
      undefined,
    ),
  );
}

function endless<T>(values: readonly T[]): () => T {
  let index = 0;
  return () => values[index++ % values.length] as T;
}
