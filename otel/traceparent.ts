/**
 * The `traceparent` header.
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 * @module
 */

/** The caller's span, as its request named it. */
interface RemoteParent {
  /** 32 lower-case hex digits, not all zero. */
  traceId: string;
  /** 16 lower-case hex digits, not all zero. */
  spanId: string;
  /** 8 bits; bit 0 is `sampled`. */
  traceFlags: number;
}

const VERSION_00 = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/;

/** What a later version may look like to a parser that knows only 00: the same fields, then perhaps more after a dash. */
const LATER_VERSION = /^(?!00|ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/;

const ZERO_TRACE_ID = "0".repeat(32);
const ZERO_SPAN_ID = "0".repeat(16);

/** Undefined when the header is not valid, which means: start a new trace. */
function parseTraceparent(header: string): RemoteParent | undefined {
  const value = header.trim();
  const match = VERSION_00.exec(value) ?? LATER_VERSION.exec(value);
  if (match === null) return undefined;
  const [, traceId = "", spanId = "", flags = ""] = match;
  if (traceId === ZERO_TRACE_ID || spanId === ZERO_SPAN_ID) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

export { parseTraceparent, type RemoteParent };
