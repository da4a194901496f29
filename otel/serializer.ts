/**
 * Queued events to OTLP bytes, in the shape that the SDK's export delegate takes. A faster encoder replaces what is made
 * here and nothing else.
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/docs/specification.md
 * @module
 */
import {
  type IExportTraceServiceResponse,
  type ISerializer,
  JsonTraceSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import type { SpanBatch } from "./queue.ts";
import type { OtlpProtocol } from "./settings.ts";
import type { SpanFactory } from "./span.ts";

type SpanBatchSerializer = ISerializer<SpanBatch, IExportTraceServiceResponse>;

const CONTENT_TYPES: Readonly<Record<OtlpProtocol, string>> = {
  "http/protobuf": "application/x-protobuf",
  "http/json": "application/json",
};

/** Spans are built here, when a request is about to be sent, and live no longer than its body. */
function createSpanBatchSerializer(protocol: OtlpProtocol, toSpan: SpanFactory): SpanBatchSerializer {
  const sdk = protocol === "http/json" ? JsonTraceSerializer : ProtobufTraceSerializer;
  return {
    serializeRequest: ({ events }) => sdk.serializeRequest(events.map(toSpan)),
    deserializeResponse: (data) => sdk.deserializeResponse(data),
  };
}

export { CONTENT_TYPES, createSpanBatchSerializer, type SpanBatchSerializer };
