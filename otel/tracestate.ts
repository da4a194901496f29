/**
 * The `tracestate` header: what vendors say of a trace, handed on as it came.
 * @see https://www.w3.org/TR/trace-context/#tracestate-header
 * @module
 */
import type { TraceState as TraceStateOf } from "@opentelemetry/api";
import { TraceState } from "@opentelemetry/core";

/** The members that are valid; undefined when none is. */
function parseTracestate(header: string): TraceStateOf | undefined {
  const state = new TraceState(header);
  return state.serialize() === "" ? undefined : state;
}

export { parseTracestate };
