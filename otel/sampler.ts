/**
 * Which transactions become spans: `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
 * @module
 */
import { ROOT_CONTEXT, SpanKind, TraceFlags, trace } from "@opentelemetry/api";
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

/** The caller's span, as far as it decides. */
interface SamplingCaller {
  readonly traceFlags: number;
  /** 32 hex digits; looked at only where a ratio decides. */
  readonly traceId: string;
}

/** A decision taken before anything is queued, so that what is not wanted takes no room. */
interface EventSampler {
  /** caller: what a valid `traceparent` of event `seq` names; undefined without one. */
  decide(seq: number, caller: SamplingCaller | undefined): boolean;
  /** The same, for an event that is decoded. */
  wants(event: HttpEvent): boolean;
}

/** Valid ones, for questions whose answer does not depend on them. */
const ANY_TRACE_ID = "1".repeat(32);
const ANY_SPAN_ID = "1".repeat(16);

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
  /** Undefined: that is for the trace id to say, so that all spans of a trace share its fate. */
  const ruleOf = (callerFlags?: TraceFlags): boolean | undefined => {
    const isById = spec.root === "ratio" && !(spec.parentBased && callerFlags !== undefined);
    return isById ? undefined : isWanted(sampler, ANY_TRACE_ID, callerFlags);
  };
  const [withoutCaller, sampled, notSampled] = [ruleOf(), ruleOf(TraceFlags.SAMPLED), ruleOf(TraceFlags.NONE)];
  const decide = (seq: number, caller: SamplingCaller | undefined): boolean => {
    if (caller === undefined) return withoutCaller ?? isWanted(sampler, ids.traceId(seq));
    return (caller.traceFlags & TraceFlags.SAMPLED ? sampled : notSampled) ?? isWanted(sampler, caller.traceId);
  };
  return {
    decide,
    wants: ({ traceparent, seq }) => decide(seq, traceparent === undefined ? undefined : parseTraceparent(traceparent)),
  };
}

/** Asks about a root, or about the child of a caller with these flags. None of these samplers looks at anything else. */
function isWanted(sampler: Sampler, traceId: string, traceFlags?: TraceFlags): boolean {
  const caller = traceFlags === undefined ? undefined : { traceId, spanId: ANY_SPAN_ID, traceFlags, isRemote: true };
  const context = caller === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, caller);
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
