/**
 * The SDK's OTLP/HTTP exporter of metrics, with two things added: exemplars, and one line in the log rather than one a
 * minute when the collector does not take them.
 * @module
 */
import type { Agent } from "node:http";
import { ExportResultCode } from "@opentelemetry/core";
import { OTLPMetricExporterBase } from "@opentelemetry/exporter-metrics-otlp-http";
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from "@opentelemetry/otlp-exporter-base/node-http";
import {
  type IExportMetricsServiceResponse,
  type ISerializer,
  JsonMetricsSerializer,
  MetricsExporterMetricsHelper,
  ProtobufMetricsSerializer,
} from "@opentelemetry/otlp-transformer";
import type { PushMetricExporter, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { spliceIntoJson, spliceIntoProtobuf } from "./exemplar-splicing.ts";
import { exportOutcome } from "./export-outcome.ts";
import { CollectorHealth } from "./health.ts";
import type { Log } from "./log.ts";
import { watchRetries } from "./reachability.ts";
import { CONTENT_TYPES } from "./serializer.ts";
import type { OtlpProtocol } from "./settings.ts";

interface MetricExporterOptions {
  protocol: OtlpProtocol;
  log: Log;
  /** Of one export, all its attempts together. */
  timeoutMillis: number;
}

interface MetricExporter {
  /** Where the metrics go. */
  readonly url: string;
  readonly health: CollectorHealth;
  readonly exporter: Required<PushMetricExporter>;
}

/** Part of the time-out. */
const DEADLINE = 0.9;

const COMPONENT_TYPES: Readonly<Record<OtlpProtocol, string>> = {
  "http/protobuf": "otlp_http_metric_exporter",
  "http/json": "otlp_http_json_metric_exporter",
};

/** Reads `OTEL_EXPORTER_OTLP_*` from `process.env`, now and not later. */
function createMetricExporter({ protocol, log, timeoutMillis }: MetricExporterOptions): MetricExporter {
  const http = convertLegacyHttpOptions({}, "METRICS", "v1/metrics", { "Content-Type": CONTENT_TYPES[protocol] });
  const health = new CollectorHealth({ url: http.url, log, signal: "METRICS" });
  const onRetry = watchRetries(http.url, health);
  let agent: Agent | undefined;
  let attempts = 0;
  // The reader exports one at a time, and the delegate decodes an answer before it calls back: it is of that export.
  let response: IExportMetricsServiceResponse | undefined;
  const { serializeRequest, deserializeResponse } = metricSerializer(protocol);
  const delegate = createOtlpHttpExportDelegate(
    {
      ...http,
      agentFactory: async (scheme) => (agent = await http.agentFactory(scheme)),
      headers: () => {
        if (attempts++ > 0) onRetry();
        return http.headers();
      },
    },
    {
      serializeRequest,
      deserializeResponse: (data) => {
        response = deserializeResponse(data);
        return {};
      },
    },
    COMPONENT_TYPES[protocol],
    MetricsExporterMetricsHelper,
    undefined,
  );
  const sdk = new OTLPMetricExporterBase(delegate);
  return {
    url: http.url,
    health,
    exporter: {
      export(metrics, done) {
        attempts = 0;
        response = undefined;
        // Before the reader's own time-out, and also where an answer comes a byte at a time, which the SDK's does not end.
        const deadline = setTimeout(() => agent?.destroy(), timeoutMillis * DEADLINE);
        sdk.export(metrics, (result) => {
          clearTimeout(deadline);
          const count = MetricsExporterMetricsHelper.countItems(metrics);
          const { rejectedDataPoints = 0, errorMessage = "" } = response?.partialSuccess ?? {};
          const partialSuccess = { rejectedSpans: rejectedDataPoints, errorMessage };
          health.record(exportOutcome(result, { partialSuccess }, count), count);
          // `health` has told of a failure; the reader could only log it again.
          done({ code: ExportResultCode.SUCCESS });
        });
      },
      forceFlush: () => sdk.forceFlush(),
      shutdown: () => sdk.shutdown(),
      selectAggregation: (type) => sdk.selectAggregation(type),
      selectAggregationTemporality: (type) => sdk.selectAggregationTemporality(type),
    },
  };
}

function metricSerializer(protocol: OtlpProtocol): ISerializer<ResourceMetrics, IExportMetricsServiceResponse> {
  const [sdk, splice] =
    protocol === "http/json"
      ? ([JsonMetricsSerializer, spliceIntoJson] as const)
      : ([ProtobufMetricsSerializer, spliceIntoProtobuf] as const);
  return {
    serializeRequest: (metrics) => {
      const request = sdk.serializeRequest(metrics);
      return request === undefined ? undefined : splice(request, metrics);
    },
    deserializeResponse: (data) => sdk.deserializeResponse(data),
  };
}

export { createMetricExporter, metricSerializer };
