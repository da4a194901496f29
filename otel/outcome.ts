/**
 * Whether a transaction failed, and how: `error.type` and the span status.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md#status
 * @module
 */
import type { HttpOutcome } from "../ffi/event.ts";
import type { SpanSide } from "./side.ts";

/**
 * Errors of the connection, whether before or within the response. `superseded` is none: the peers went on to the next
 * request, so it is we who missed the end, not they who failed. `upgraded` did what was asked.
 */
const CONNECTION_ERRORS: Readonly<Record<HttpOutcome, string | undefined>> = {
  complete: undefined,
  superseded: undefined,
  upgraded: undefined,
  closed: "connection_closed",
  reset: "connection_reset",
  timeout: "timeout",
};

/**
 * `error.type`, undefined for success: the status code when that is the error, else what cut the transaction short. A
 * status is an error when it is 5xx or none that HTTP defines; 4xx is the client's error, not the server's. 0: no response.
 */
function errorType(status: number, outcome: HttpOutcome, side: SpanSide): string | undefined {
  const isError = status >= (side === "client" ? 400 : 500) || (status > 0 && status < 100);
  return isError ? String(status) : CONNECTION_ERRORS[outcome];
}

export { errorType };
