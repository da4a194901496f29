/** See index.d.ts. */
export class ConnectError extends Error {
  /** @override */
  name = "ConnectError";

  /** @param {string} code @param {string} message @param {number} [status] */
  constructor(code, message, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** Later it may be otherwise; the others say that this subscription will never be. */
const PASSING_STATUSES = new Set([408, 425, 429]);

/** @param {ConnectError} error */
export const isPassing = ({ status }) => status === undefined || status >= 500 || PASSING_STATUSES.has(status);

/**
 * @param {Response} response that is no success
 * @returns {Promise<ConnectError>} in the service's words
 */
export const readRefusal = async (response) => {
  const { status } = response;
  /** @type {any} what is no Kernelcast may say anything */
  const body = await response.json().catch(() => undefined);
  const { code = "not_kernelcast", message = `what answers is not Kernelcast: ${status} ${response.statusText}` } =
    body?.error ?? {};
  return new ConnectError(code, message, status);
};

/** @param {string} url @param {unknown} cause */
export const unreachable = (url, cause) =>
  new ConnectError("unreachable", `nothing answers at ${url}: ${cause instanceof Error ? cause.message : cause}`);
