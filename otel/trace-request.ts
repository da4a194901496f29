/**
 * `ExportTraceServiceRequest` around spans that are encoded already: one resource, one scope.
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/opentelemetry/proto/collector/trace/v1/trace_service.proto
 * @module
 */
import type { Resource } from "@opentelemetry/resources";
import { delimitedLength, writeAttributes } from "./attribute-encoding.ts";
import { ByteWriter, varintLength } from "./byte-writer.ts";
import { SCHEMA_URL, SCOPE_NAME } from "./semconv.ts";

/** Tags, by the message that they stand in. */
const REQUEST = { resourceSpans: 0x0a };
const RESOURCE_SPANS = { resource: 0x0a, scopeSpans: 0x12, schemaUrl: 0x1a };
const RESOURCE = { attributesField: 1 };
const SCOPE_SPANS = { scope: 0x0a, schemaUrl: 0x1a };
const SCOPE = { name: 0x0a, version: 0x12 };

class TraceRequest {
  readonly #resource: Resource;
  readonly #scope: Uint8Array;
  readonly #scopeSchemaUrl = encodedText(SCOPE_SPANS.schemaUrl, SCHEMA_URL);
  #encodedResource: Uint8Array | undefined;
  #resourceSchemaUrl: Uint8Array = new Uint8Array();

  /** version: of Kernelcast. The resource's attributes must all be there when the first request is encoded. */
  constructor(resource: Resource, version: string) {
    const scope = Buffer.concat([encodedText(SCOPE.name, SCOPE_NAME), encodedText(SCOPE.version, version)]);
    this.#resource = resource;
    this.#scope = encodedMessage(SCOPE_SPANS.scope, scope);
  }

  /** spans: values of `ScopeSpans.spans`, each with its tag and length. */
  encode(spans: Uint8Array): Uint8Array {
    this.#encodedResource ??= this.#encodeResource();
    const resource = this.#encodedResource;
    const scopeSpansLength = this.#scope.length + spans.length + this.#scopeSchemaUrl.length;
    const resourceSpansLength = resource.length + delimitedLength(scopeSpansLength) + this.#resourceSchemaUrl.length;
    const out = new ByteWriter(delimitedLength(resourceSpansLength));
    out.byte(REQUEST.resourceSpans);
    out.varint(resourceSpansLength);
    out.copy(resource);
    out.byte(RESOURCE_SPANS.scopeSpans);
    out.varint(scopeSpansLength);
    out.copy(this.#scope);
    out.copy(spans);
    out.copy(this.#scopeSchemaUrl);
    out.copy(this.#resourceSchemaUrl);
    return out.bytes;
  }

  #encodeResource(): Uint8Array {
    const out = new ByteWriter(1024);
    writeAttributes(out, RESOURCE.attributesField, this.#resource.attributes);
    const { schemaUrl } = this.#resource;
    if (schemaUrl !== undefined) this.#resourceSchemaUrl = encodedText(RESOURCE_SPANS.schemaUrl, schemaUrl);
    return encodedMessage(RESOURCE_SPANS.resource, out.take());
  }
}

function encodedMessage(tag: number, content: Uint8Array): Uint8Array {
  const out = new ByteWriter(1 + varintLength(content.length) + content.length);
  out.byte(tag);
  out.varint(content.length);
  out.copy(content);
  return out.bytes;
}

const encodedText = (tag: number, text: string): Uint8Array => encodedMessage(tag, Buffer.from(text));

export { TraceRequest };
