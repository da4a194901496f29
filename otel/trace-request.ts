/**
 * `ExportTraceServiceRequest` around spans that are encoded already: one resource, one scope.
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/opentelemetry/proto/collector/trace/v1/trace_service.proto
 * @module
 */
import type { Resource } from "@opentelemetry/resources";
import { delimitedLength, writeAttributes } from "./attribute-encoding.ts";
import { ByteWriter } from "./byte-writer.ts";
import { SCHEMA_URL, SCOPE_NAME } from "./semconv.ts";

/** Tags, by the message that they stand in. */
const REQUEST = { resourceSpans: 0x0a };
const RESOURCE_SPANS = { resource: 0x0a, scopeSpans: 0x12, schemaUrl: 0x1a };
const RESOURCE = { attributesField: 1 };
const SCOPE_SPANS = { scope: 0x0a, schemaUrl: 0x1a };
const SCOPE = { name: 0x0a, version: 0x12 };

/** Bytes left free before the spans, so that what the request says of them all can be put there. */
const HEAD_ROOM = 2048;

class TraceRequest {
  readonly #resource: Resource;
  readonly #scope: Uint8Array;
  #encodedResource: Uint8Array | undefined;

  /** version: of Kernelcast. The resource's attributes must all be there when the first request is encoded. */
  constructor(resource: Resource, version: string) {
    const scope = Buffer.concat([encodedText(SCOPE.name, SCOPE_NAME), encodedText(SCOPE.version, version)]);
    this.#resource = resource;
    this.#scope = Buffer.concat([
      encodedMessage(SCOPE_SPANS.scope, scope),
      encodedText(SCOPE_SPANS.schemaUrl, SCHEMA_URL),
    ]);
  }

  /**
   * spans: {@link HEAD_ROOM} bytes, then values of `ScopeSpans.spans`, each with its tag and length. The request lies in the same
   * memory, unless the head does not fit.
   */
  encode(spans: ByteWriter): Uint8Array {
    const head = this.#head(spans.at - HEAD_ROOM);
    const start = HEAD_ROOM - head.length;
    if (start < 0) return Buffer.concat([head, spans.bytes.subarray(HEAD_ROOM, spans.at)]);
    spans.bytes.set(head, start);
    return spans.bytes.subarray(start, spans.at);
  }

  #head(spansLength: number): Uint8Array {
    this.#encodedResource ??= this.#encodeResource();
    const resource = this.#encodedResource;
    const scope = this.#scope;
    const scopeSpansLength = scope.length + spansLength;
    const resourceSpansLength = resource.length + delimitedLength(scopeSpansLength);
    const out = new ByteWriter(resource.length + scope.length + LENGTHS_MAX);
    out.byte(REQUEST.resourceSpans);
    out.varint(resourceSpansLength);
    out.copy(resource);
    out.byte(RESOURCE_SPANS.scopeSpans);
    out.varint(scopeSpansLength);
    out.copy(scope);
    return out.bytes.subarray(0, out.at);
  }

  #encodeResource(): Uint8Array {
    const out = new ByteWriter(1024);
    const { attributes, schemaUrl } = this.#resource;
    writeAttributes(out, RESOURCE.attributesField, attributes);
    const resource = encodedMessage(RESOURCE_SPANS.resource, out.take());
    return schemaUrl ? Buffer.concat([resource, encodedText(RESOURCE_SPANS.schemaUrl, schemaUrl)]) : resource;
  }
}

/** Two tags, and the lengths behind them. */
const LENGTHS_MAX = 12;

function encodedMessage(tag: number, content: Uint8Array): Uint8Array {
  const out = new ByteWriter(delimitedLength(content.length));
  out.byte(tag);
  out.varint(content.length);
  out.copy(content);
  return out.bytes;
}

const encodedText = (tag: number, text: string): Uint8Array => encodedMessage(tag, Buffer.from(text));

export { HEAD_ROOM, TraceRequest };
