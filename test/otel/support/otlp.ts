/** OTLP trace requests as a receiver decoded them, protobuf or JSON, brought to one form. */

type AttributeValue = string | number | boolean | string[];

interface ReceivedSpan {
  traceId: string;
  spanId: string;
  /** Empty without one. */
  traceState: string;
  /** Empty for a root. */
  parentSpanId: string;
  name: string;
  kind: number;
  startTimeUnixNano: bigint;
  endTimeUnixNano: bigint;
  flags: number;
  statusCode: number;
  statusMessage: string;
  attributes: Record<string, AttributeValue>;
  droppedAttributes: number;
  /** How many. */
  events: number;
  links: number;
  resource: Record<string, AttributeValue>;
  resourceSchemaUrl: string;
  scope: { name: string; version: string; schemaUrl: string };
}

interface KeyValue {
  key: string;
  value: {
    stringValue?: string;
    intValue?: unknown;
    doubleValue?: number;
    boolValue?: boolean;
    arrayValue?: { values: KeyValue["value"][] };
  };
}

interface TraceRequest {
  resourceSpans: {
    resource: { attributes: KeyValue[] };
    schemaUrl?: string;
    scopeSpans: {
      scope: { name: string; version: string };
      schemaUrl: string;
      spans: {
        traceId: unknown;
        spanId: unknown;
        traceState?: string;
        parentSpanId?: unknown;
        name: string;
        kind: number;
        startTimeUnixNano: unknown;
        endTimeUnixNano: unknown;
        flags: number;
        status: { code?: number; message?: string };
        attributes: KeyValue[];
        droppedAttributesCount?: number;
        events?: unknown[];
        links?: unknown[];
      }[];
    }[];
  }[];
}

function receivedSpans(request: unknown): ReceivedSpan[] {
  const { resourceSpans } = request as TraceRequest;
  return resourceSpans.flatMap(({ resource, schemaUrl: resourceSchemaUrl = "", scopeSpans }) =>
    scopeSpans.flatMap(({ scope, schemaUrl, spans }) =>
      spans.map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        traceState: span.traceState ?? "",
        parentSpanId: hex(span.parentSpanId ?? ""),
        name: span.name,
        kind: span.kind,
        startTimeUnixNano: BigInt(String(span.startTimeUnixNano)),
        endTimeUnixNano: BigInt(String(span.endTimeUnixNano)),
        flags: span.flags,
        statusCode: span.status.code ?? 0,
        statusMessage: span.status.message ?? "",
        attributes: keyValues(span.attributes),
        droppedAttributes: span.droppedAttributesCount ?? 0,
        events: span.events?.length ?? 0,
        links: span.links?.length ?? 0,
        resource: keyValues(resource.attributes),
        resourceSchemaUrl,
        scope: { name: scope.name, version: scope.version, schemaUrl },
      })),
    ),
  );
}

/** Ids are bytes in protobuf and hexadecimal in JSON. */
function hex(id: unknown): string {
  return typeof id === "string" ? id : Buffer.from(id as Uint8Array).toString("hex");
}

/** Throws on a key that occurs twice, which OTLP forbids. */
function keyValues(list: KeyValue[]): Record<string, AttributeValue> {
  const record: Record<string, AttributeValue> = {};
  for (const { key, value } of list) {
    if (Object.hasOwn(record, key)) throw new Error(`attribute ${key}: expected once, got it twice`);
    record[key] = attributeValue(value);
  }
  return record;
}

/** protobufjs answers with a default for every field of the oneof that was not sent, so only own properties count. */
function attributeValue(value: KeyValue["value"]): AttributeValue {
  if (Object.hasOwn(value, "stringValue")) return String(value.stringValue);
  if (Object.hasOwn(value, "intValue")) return Number(String(value.intValue));
  if (Object.hasOwn(value, "doubleValue")) return Number(value.doubleValue);
  if (Object.hasOwn(value, "boolValue")) return value.boolValue === true;
  if (Object.hasOwn(value, "arrayValue")) return (value.arrayValue?.values ?? []).map((v) => String(attributeValue(v)));
  throw new Error(`attribute value: expected a string, number, boolean or list, got ${Object.keys(value)}`);
}

export { type AttributeValue, hex, type KeyValue, keyValues, type ReceivedSpan, receivedSpans };
