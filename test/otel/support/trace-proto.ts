import { getProtoRoot } from "@elastic/mockotlpserver/lib/proto.js";

const REQUEST = getProtoRoot().lookupType("opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest");

interface DecodedRequest {
  resourceSpans: {
    resource: unknown;
    schemaUrl: string;
    scopeSpans: { scope: unknown; schemaUrl: string; spans: Record<string, unknown>[] }[];
  }[];
}

/**
 * Decodes with OpenTelemetry's own .proto files, every default filled in. Stricter than a receiver: what is not exactly what
 * these files describe (an unknown field, a string that is not UTF-8, a number in more bytes than it needs) is an error.
 */
function decodeTraceRequest(bytes: Uint8Array): DecodedRequest {
  const message = REQUEST.decode(bytes);
  const { length } = REQUEST.encode(message).finish();
  if (length !== bytes.length)
    throw new Error(`encoded anew, the request has ${length} bytes instead of ${bytes.length}`);
  return REQUEST.toObject(message, { defaults: true, arrays: true, longs: String, bytes: String }) as DecodedRequest;
}

export { type DecodedRequest, decodeTraceRequest };
