/**
 * Whether a transaction failed, and how: `error.type` and the span status.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md#status
 * @module
 */
import type { HttpEvent, HttpOutcome } from "../ffi/event.ts";

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
 * `error.type` of the server span, undefined for success: the status code when that is the error (5xx, or a code that HTTP
 * does not define), else what cut the transaction short. 4xx is the client's error, not the server's.
 */
function errorType(event: HttpEvent): string | undefined {
  const { status } = event;
  if (status >= 500 || (status > 0 && status < 100)) return String(status);
  return CONNECTION_ERRORS[event.outcome];
}

export { errorType };
