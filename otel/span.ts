/**
 * One HTTP transaction as the span that the server would have made of it.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md#http-server
 * @module
 */
import { SpanKind, type SpanStatus, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { InstrumentationScope } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { HttpEvent } from "../ffi/event.ts";
import { spanAttributes } from "./attributes.ts";
import type { IdGenerator } from "./ids.ts";
import { OTHER_METHOD } from "./method.ts";
import { errorType } from "./outcome.ts";
import { SCHEMA_URL, SCOPE_NAME } from "./semconv.ts";
import { addNanos, hrTimeFromNanos, hrTimeFromUnixNano } from "./time.ts";
import { parseTraceparent } from "./traceparent.ts";

/** Makes a span of an event. `traceId` is used when the event names no trace to join; without it a fresh one is drawn. */
type SpanFactory = (event: HttpEvent, traceId?: string) => ReadableSpan;

interface SpanFactoryOptions {
  /** Shared by reference: the serializers group spans by its identity. */
  resource: Resource;
  /** Of Kernelcast, for the instrumentation scope. */
  version: string;
  ids: IdGenerator;
  knownMethods: ReadonlySet<string>;
}

/** Bit 1 of W3C Trace Context Level 2, `random-trace-id`, is the trace's own and goes on unchanged. */
const FLAG_RANDOM_TRACE_ID = 0x02;

/** Never OK: that is for the application to say. Descriptions are left out, `error.type` says it. */
const STATUS_UNSET: SpanStatus = Object.freeze({ code: SpanStatusCode.UNSET });
const STATUS_ERROR: SpanStatus = Object.freeze({ code: SpanStatusCode.ERROR });

/** One factory per process: its scope and resource are shared by all its spans. */
function createSpanFactory({ resource, version, ids, knownMethods }: SpanFactoryOptions): SpanFactory {
  const instrumentationScope: InstrumentationScope = { name: SCOPE_NAME, version, schemaUrl: SCHEMA_URL };
  return (event, traceId) => {
    const method = knownMethods.has(event.method) ? event.method : OTHER_METHOD;
    const error = errorType(event);
    const startTime = hrTimeFromUnixNano(event.startTimeUnixNano);
    const span = {
      // No route is known from the wire, and a raw path would make a name of every URL.
      name: method === OTHER_METHOD ? "HTTP" : method,
      kind: SpanKind.SERVER,
      startTime,
      endTime: addNanos(startTime, event.durationNano),
      duration: hrTimeFromNanos(event.durationNano),
      status: error === undefined ? STATUS_UNSET : STATUS_ERROR,
      attributes: spanAttributes(event, method, error),
      resource,
      instrumentationScope,
      ...NOTHING_ELSE,
    };
    const parent = event.traceparent === undefined ? undefined : parseTraceparent(event.traceparent);
    const spanId = ids.spanId(event.seq, "server");
    if (parent === undefined) {
      const context = { traceId: traceId ?? ids.traceId(event.seq), spanId, traceFlags: TraceFlags.SAMPLED };
      return { ...span, spanContext: () => context };
    }
    const traceFlags = TraceFlags.SAMPLED | (parent.traceFlags & FLAG_RANDOM_TRACE_ID);
    const context = { traceId: parent.traceId, spanId, traceFlags };
    return { ...span, spanContext: () => context, parentSpanContext: { ...parent, isRemote: true } };
  };
}

/** The parts of a span that the wire has nothing for. */
const NOTHING_ELSE = Object.freeze({
  links: [],
  events: [],
  ended: true,
  droppedAttributesCount: 0,
  droppedEventsCount: 0,
  droppedLinksCount: 0,
});

export { createSpanFactory, type SpanFactory, type SpanFactoryOptions };
