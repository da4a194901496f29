/**
 * Which request methods are spelled out in spans.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md#common-attributes
 * @module
 */

/** `http.request.method` of a method that is not known. */
const OTHER_METHOD = "_OTHER";

/** RFC 9110, PATCH of RFC 5789 and QUERY of the HTTP working group. */
const DEFAULT_KNOWN_METHODS = [
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "QUERY",
  "TRACE",
] as const;

/**
 * Known methods by `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`: a comma-separated, case-sensitive list that replaces the
 * default one entirely. Unset or empty means the default.
 */
function knownMethods(setting: string | undefined): ReadonlySet<string> {
  const names = (setting ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return new Set(names.length > 0 ? names : DEFAULT_KNOWN_METHODS);
}

export { knownMethods, OTHER_METHOD };
