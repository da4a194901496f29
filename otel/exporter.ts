/**
 * The SDK's OTLP/HTTP exporter with two things added: it tells how many spans the collector rejected, and when it is asked
 * again.
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/docs/specification.md#otlphttp-response
 * @module
 */
import type { Agent } from "node:http";
import type { MeterProvider } from "@opentelemetry/api";
import { OTLPExporterBase } from "@opentelemetry/otlp-exporter-base";
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from "@opentelemetry/otlp-exporter-base/node-http";
import type { IExportTraceServiceResponse } from "@opentelemetry/otlp-transformer";
import { type ExportOutcome, exportOutcome } from "./export-outcome.ts";
import type { SpanBatch } from "./queue.ts";
import { CONTENT_TYPES, type SpanBatchSerializer } from "./serializer.ts";
import type { OtlpProtocol } from "./settings.ts";

/** Sends batches; how many at once is the caller's choice. */
interface SpanBatchExporter<P> {
  /** Where the spans go. */
  readonly url: string;
  /** Never rejects. Serializes before it returns; retries and time-outs are the SDK's. */
  export(batch: SpanBatch<P>): Promise<ExportOutcome>;
  /** Cuts all connections. Exports under way end as `unreachable`, at once or when the SDK gives up; later ones connect anew. */
  cut(): void;
}

interface ExporterOptions<P> {
  protocol: OtlpProtocol;
  serializer: SpanBatchSerializer<P>;
  /** Requests that may be under way at once; one more would be refused by the SDK. */
  concurrencyMax: number;
  /** Awaited before the first batch is serialized. */
  ready: Promise<void>;
  /** Called when an attempt has failed and is made again. */
  onRetry: () => void;
  /** Counts what the exporter does, as `otel.sdk.exporter.*`. */
  meterProvider: MeterProvider;
}

const COMPONENT_TYPES: Readonly<Record<OtlpProtocol, string>> = {
  "http/protobuf": "otlp_http_span_exporter",
  "http/json": "otlp_http_json_span_exporter",
};

/** Reads `OTEL_EXPORTER_OTLP_*` from `process.env`, now and not later. */
function createSpanBatchExporter<P>(options: ExporterOptions<P>): SpanBatchExporter<P> {
  const { protocol, serializer, concurrencyMax, ready, onRetry, meterProvider } = options;
  const headers = { "Content-Type": CONTENT_TYPES[protocol] };
  const http = convertLegacyHttpOptions({ concurrencyLimit: concurrencyMax }, "TRACES", "v1/traces", headers);
  let agent: Promise<Agent> | undefined;
  let isReady = false;
  let untried = 0;

  // The delegate decodes an answer and calls back in one synchronous step, so the answer belongs to that callback.
  let response: IExportTraceServiceResponse | undefined;
  const delegate = createOtlpHttpExportDelegate(
    {
      ...http,
      // Asked for by every request that begins before the first has its answer; one agent can be cut, several could not.
      agentFactory: (scheme) => {
        agent ??= Promise.resolve(http.agentFactory(scheme));
        return agent;
      },
      // Asked for at every attempt; the first of each export was announced.
      headers: () => {
        if (--untried < 0) onRetry();
        untried = Math.max(untried, 0);
        return http.headers();
      },
    },
    {
      serializeRequest: (batch: SpanBatch<P>) => serializer.serializeRequest(batch),
      deserializeResponse: (data) => {
        response = serializer.deserializeResponse(data);
        // The delegate would log a partial success every time; `health.ts` tells of it, with a limit.
        return {};
      },
    },
    COMPONENT_TYPES[protocol],
    { name: "span", countItems: (batch: SpanBatch<P>) => batch.spanCount },
    meterProvider,
  );
  const exporter = new OTLPExporterBase(delegate);

  const send = (batch: SpanBatch<P>): Promise<ExportOutcome> =>
    new Promise((resolve) => {
      untried++;
      try {
        exporter.export(batch, (result) => {
          const answer = response;
          response = undefined;
          resolve(exportOutcome(result, answer, batch.spanCount));
        });
      } catch (error) {
        resolve({ status: "refused", reason: `cannot be encoded: ${String(error)}` });
      }
    });

  return {
    url: http.url,
    export: (batch) => {
      if (isReady) return send(batch);
      return ready.then(() => {
        isReady = true;
        return send(batch);
      });
    },
    cut: () => void agent?.then((each) => each.destroy()),
  };
}

export { createSpanBatchExporter, type SpanBatchExporter };
