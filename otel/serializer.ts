/**
 * Batches to the bodies of requests, in the shape that the SDK's export delegate takes.
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/docs/specification.md
 * @module
 */
import {
  type IExportTraceServiceResponse,
  type ISerializer,
  JsonTraceSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import type { HttpEvent } from "../ffi/event.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { SpanBatch } from "./queue.ts";
import type { OtlpProtocol } from "./settings.ts";
import type { SpanFactory } from "./span.ts";
import type { TraceRequest } from "./trace-request.ts";

type SpanBatchSerializer<P> = ISerializer<SpanBatch<P>, IExportTraceServiceResponse>;

const CONTENT_TYPES: Readonly<Record<OtlpProtocol, string>> = {
  "http/protobuf": "application/x-protobuf",
  "http/json": "application/json",
};

/** Of spans that are encoded already. */
function encodedSerializer(request: TraceRequest): SpanBatchSerializer<ByteWriter> {
  return {
    serializeRequest: ({ payload }) => request.encode(payload),
    deserializeResponse: (data) => ProtobufTraceSerializer.deserializeResponse(data),
  };
}

/** Of events. Spans are built when a request is about to be sent, and live no longer than its body. */
function decodedSerializer(protocol: OtlpProtocol, toSpan: SpanFactory): SpanBatchSerializer<readonly HttpEvent[]> {
  const sdk = protocol === "http/json" ? JsonTraceSerializer : ProtobufTraceSerializer;
  return {
    serializeRequest: ({ payload }) => sdk.serializeRequest(payload.map(toSpan)),
    deserializeResponse: (data) => sdk.deserializeResponse(data),
  };
}

export { CONTENT_TYPES, decodedSerializer, encodedSerializer, type SpanBatchSerializer };
