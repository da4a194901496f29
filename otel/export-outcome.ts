/**
 * How one export request ended.
 * @module
 */
import type { ExportResult } from "@opentelemetry/core";
import { ExportResultCode } from "@opentelemetry/core";
import type { IExportTraceServiceResponse } from "@opentelemetry/otlp-transformer";

/** An export that ended in any way is a value, never an exception. */
type ExportOutcome =
  /** The collector took the batch, except for `rejected` spans of it. */
  | { status: "exported"; rejected: number; message?: string }
  /** The collector answered, and its answer was no. It is there: the next batch may fare better. */
  | { status: "refused"; reason: string }
  /** No answer, or none but "try later", until the SDK gave up retrying. */
  | { status: "unreachable"; reason: string };

/** Reads a delegate's result together with the collector's answer, if that could be decoded. */
function exportOutcome(
  result: ExportResult,
  response: IExportTraceServiceResponse | undefined,
  spanCount: number,
): ExportOutcome {
  if (result.code !== ExportResultCode.SUCCESS) return failure(result.error);
  const partial = response?.partialSuccess;
  const rejected = rejectedSpans(partial?.rejectedSpans, spanCount);
  const message = partial?.errorMessage;
  return message ? { status: "exported", rejected, message } : { status: "exported", rejected };
}

/** `rejected_spans` is an int64, which JSON writes as a string. A collector that lies must not unbalance the ledger. */
function rejectedSpans(value: unknown, spanCount: number): number {
  const rejected = Math.trunc(Number(value ?? 0));
  return rejected > 0 ? Math.min(rejected, spanCount) : 0;
}

/** The SDK's words for an export that had no answer, or none but "later", where it gives no code. */
const NO_ANSWER: ReadonlySet<string> = new Set(["Request timed out", "Export failed with retryable status"]);

function failure(error: (Error & { code?: unknown }) | undefined): ExportOutcome {
  const { code, message = "unknown error" } = error ?? {};
  if (typeof code === "string") return { status: "unreachable", reason: code };
  if (NO_ANSWER.has(message)) return { status: "unreachable", reason: message };
  // The SDK puts the HTTP status there when it will not retry; of a retryable status it keeps nothing.
  return { status: "refused", reason: typeof code === "number" ? `HTTP ${code} ${message}`.trim() : message };
}

export { type ExportOutcome, exportOutcome };
