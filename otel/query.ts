/**
 * `url.query` without the secrets that are known to travel in it.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/registry/attributes/url.md
 * @module
 */

/**
 * Case-sensitive. The first two left the list of v1.44.0 and came back after it; a signature too many is the lesser harm.
 */
const SENSITIVE_PARAMETERS: ReadonlySet<string> = new Set([
  "AWSAccessKeyId",
  "Signature",
  "sig",
  "X-Amz-Signature",
  "X-Amz-Credential",
  "X-Amz-Security-Token",
  "X-Goog-Signature",
]);

const REDACTED = "REDACTED";

/** The query with the value of every sensitive parameter replaced; keys, order and all else stay byte for byte. */
function redactQuery(query: string, sensitive: ReadonlySet<string> = SENSITIVE_PARAMETERS): string {
  let changed = false;
  const parts = query.split("&").map((part) => {
    const at = part.indexOf("=");
    if (at === -1 || !sensitive.has(decodeKey(part.slice(0, at)))) return part;
    changed = true;
    return `${part.slice(0, at)}=${REDACTED}`;
  });
  return changed ? parts.join("&") : query;
}

/** A server decodes `X%2DAmz%2DSignature` before it looks, so a percent-encoded key hides nothing. */
function decodeKey(key: string): string {
  if (!key.includes("%")) return key;
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

export { redactQuery };
