/**
 * Which transactions become spans: `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
 * @module
 */
import { ROOT_CONTEXT, SpanKind, type TraceFlags, trace } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { HttpEvent } from "../ffi/event.ts";
import type { IdGenerator } from "./ids.ts";
import { parseTraceparent } from "./traceparent.ts";

/** A decision taken before anything is queued, so that what is not wanted takes no room. */
interface EventSampler {
  /** True when every event is wanted: `sample` need not be asked. */
  readonly all: boolean;
  /**
   * Undefined: not wanted. Otherwise the trace id on which the decision rests and which the span must carry, or `""` when
   * it rests on none and the span may draw its own.
   */
  sample(event: HttpEvent): string | undefined;
}

const WANTED = "";

interface SamplerSpec {
  /** Asked when there is no parent, or in any case when not `parentBased`. */
  root: "on" | "off" | "ratio";
  parentBased: boolean;
}

/** The samplers that the specification requires; `jaeger_remote` and `xray` are not among them. */
const SAMPLERS: ReadonlyMap<string, SamplerSpec> = new Map([
  ["always_on", { root: "on", parentBased: false }],
  ["always_off", { root: "off", parentBased: false }],
  ["traceidratio", { root: "ratio", parentBased: false }],
  ["parentbased_always_on", { root: "on", parentBased: true }],
  ["parentbased_always_off", { root: "off", parentBased: true }],
  ["parentbased_traceidratio", { root: "ratio", parentBased: true }],
]);
const DEFAULT_SAMPLER = "parentbased_always_on";
const DEFAULT_RATIO = 1;

interface SamplerOptions {
  /** Value of `OTEL_TRACES_SAMPLER`. */
  name: string | undefined;
  /** Value of `OTEL_TRACES_SAMPLER_ARG`. */
  argument: string | undefined;
  ids: IdGenerator;
  /** Told in one sentence of a value that is not valid; as the specification asks, the default then stands in. */
  warn: (message: string) => void;
}

function createSampler({ name, argument, ids, warn }: SamplerOptions): EventSampler {
  const spec = samplerSpec(name, warn);
  const sampler = sdkSampler(spec, spec.root === "ratio" ? samplingRatio(argument, warn) : DEFAULT_RATIO);
  return {
    all: spec.root === "on" && !spec.parentBased,
    sample(event) {
      if (spec.parentBased && event.traceparent !== undefined) {
        const parent = parseTraceparent(event.traceparent);
        if (parent !== undefined) return isWanted(sampler, parent.traceId, parent) ? WANTED : undefined;
      }
      if (spec.root !== "ratio") return spec.root === "on" ? WANTED : undefined;
      // A ratio is taken of trace ids, so that all spans of a trace share its fate.
      const joined = event.traceparent === undefined ? undefined : parseTraceparent(event.traceparent)?.traceId;
      const traceId = joined ?? ids.traceId(event.seq);
      return isWanted(sampler, traceId) ? traceId : undefined;
    },
  };
}

/** None of these samplers looks at the name, the attributes or the links. */
function isWanted(sampler: Sampler, traceId: string, parent?: { spanId: string; traceFlags: TraceFlags }): boolean {
  const context =
    parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceId, isRemote: true });
  const { decision } = sampler.shouldSample(context, traceId, "HTTP", SpanKind.SERVER, {}, []);
  return decision === SamplingDecision.RECORD_AND_SAMPLED;
}

function sdkSampler({ root, parentBased }: SamplerSpec, ratio: number): Sampler {
  const samplers = {
    on: new AlwaysOnSampler(),
    off: new AlwaysOffSampler(),
    ratio: new TraceIdRatioBasedSampler(ratio),
  };
  return parentBased ? new ParentBasedSampler({ root: samplers[root] }) : samplers[root];
}

function samplerSpec(name: string | undefined, warn: (message: string) => void): SamplerSpec {
  const known = SAMPLERS.get(name?.trim() || DEFAULT_SAMPLER);
  if (known !== undefined) return known;
  const expected = [...SAMPLERS.keys()].join(", ");
  warn(`OTEL_TRACES_SAMPLER: expected one of ${expected}, got "${name}"; using ${DEFAULT_SAMPLER}`);
  return { root: "on", parentBased: true };
}

function samplingRatio(argument: string | undefined, warn: (message: string) => void): number {
  const ratio = argument?.trim() ? Number(argument) : Number.NaN;
  if (ratio >= 0 && ratio <= 1) return ratio;
  warn(`OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got "${argument ?? ""}"; using ${DEFAULT_RATIO}`);
  return DEFAULT_RATIO;
}

export { createSampler, type EventSampler };
