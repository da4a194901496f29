/**
 * One HTTP transaction as the span that its server, or its client, would have made of it.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md
 * @module
 */
import { SpanKind, type SpanStatus, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { InstrumentationScope } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { HttpEvent } from "../ffi/event.ts";
import { spanAttributes } from "./attributes.ts";
import type { IdGenerator } from "./ids.ts";
import { limited, type SpanLimits } from "./limits.ts";
import { OTHER_METHOD } from "./method.ts";
import type { OptIn } from "./opt-in.ts";
import { errorType } from "./outcome.ts";
import { SCHEMA_URL, SCOPE_NAME } from "./semconv.ts";
import type { SideRule, SpanSide } from "./side.ts";
import { addNanos, hrTimeFromNanos, hrTimeFromUnixNano } from "./time.ts";
import { parseTraceparent, type RemoteParent } from "./traceparent.ts";
import { parseTracestate } from "./tracestate.ts";

/** Makes a span of an event. */
type SpanFactory = (event: HttpEvent) => ReadableSpan;

interface SpanFactoryOptions {
  /** Shared by reference: the serializers group spans by its identity. */
  resource: Resource;
  /** Of Kernelcast, for the instrumentation scope. */
  version: string;
  ids: IdGenerator;
  knownMethods: ReadonlySet<string>;
  sideOf: SideRule;
  /** Server spans stand under the client span that Kernelcast makes of the same transaction. */
  underClientSpan: boolean;
  optIn: OptIn;
  /** Undefined: none that a span could exceed. */
  limits: SpanLimits | undefined;
}

/** Bit 1 of W3C Trace Context Level 2, `random-trace-id`, is the trace's own and goes on unchanged. */
const FLAG_RANDOM_TRACE_ID = 0x02;

/** Never OK: that is for the application to say. Descriptions are left out, `error.type` says it. */
const STATUS_UNSET: SpanStatus = Object.freeze({ code: SpanStatusCode.UNSET });
const STATUS_ERROR: SpanStatus = Object.freeze({ code: SpanStatusCode.ERROR });

/** One factory per process: its scope and resource are shared by all its spans. */
function createSpanFactory(options: SpanFactoryOptions): SpanFactory {
  const { resource, version, ids, knownMethods, sideOf, underClientSpan, optIn, limits } = options;
  const instrumentationScope: InstrumentationScope = { name: SCOPE_NAME, version, schemaUrl: SCHEMA_URL };
  return (event) => {
    const side = sideOf(event.client.address, event.server.address);
    const { method, error, name, kind } = spanHead(event, side, knownMethods);
    const attributes = spanAttributes(event, { side, method, error, bodySizes: optIn[side] });
    const startTime = hrTimeFromUnixNano(event.startTimeUnixNano);
    const caller = event.traceparent === undefined ? undefined : parseTraceparent(event.traceparent);
    const traceState =
      caller === undefined || event.tracestate === undefined ? undefined : parseTracestate(event.tracestate);
    const context = {
      traceId: caller?.traceId ?? ids.traceId(event.seq),
      spanId: ids.spanId(event.seq, side),
      traceFlags: TraceFlags.SAMPLED | ((caller?.traceFlags ?? 0) & FLAG_RANDOM_TRACE_ID),
      ...(traceState !== undefined && { traceState }),
    };
    const parent: RemoteParent | undefined =
      underClientSpan && side === "server" ? { ...context, spanId: ids.spanId(event.seq, "client") } : caller;
    return {
      name,
      kind,
      startTime,
      endTime: addNanos(startTime, event.durationNano),
      duration: hrTimeFromNanos(event.durationNano),
      status: error === undefined ? STATUS_UNSET : STATUS_ERROR,
      resource,
      instrumentationScope,
      ...NOTHING_ELSE,
      ...(limits === undefined ? { attributes } : limited(attributes, limits)),
      spanContext: () => context,
      ...(parent === undefined ? {} : { parentSpanContext: { ...parent, isRemote: true } }),
    };
  };
}

interface SpanHead {
  /** `_OTHER` when it is not known. */
  method: string;
  /** The value of `error.type`; undefined for success. */
  error: string | undefined;
  name: string;
  kind: SpanKind;
}

/** Depends on the event's method, status, outcome and template alone. */
function spanHead(event: HttpEvent, side: SpanSide, knownMethods: ReadonlySet<string>): SpanHead {
  const method = knownMethods.has(event.method) ? event.method : OTHER_METHOD;
  return {
    method,
    error: errorType(event.status, event.outcome, side),
    name: spanName(method, event.template),
    kind: side === "server" ? SpanKind.SERVER : SpanKind.CLIENT,
  };
}

/** Method and target. Without a template there is no target: a raw path would make a name of every URL. */
function spanName(method: string, template: string | undefined): string {
  const verb = method === OTHER_METHOD ? "HTTP" : method;
  return template === undefined ? verb : `${verb} ${template}`;
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

export { createSpanFactory, FLAG_RANDOM_TRACE_ID, type SpanFactory, type SpanFactoryOptions, type SpanHead, spanHead };
