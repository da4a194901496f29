/** @import { Filter } from "./index.d.ts" */

const DEFAULT_URL = "http://127.0.0.1:4320";
const HTTP_SCHEMES = new Map([
  ["ws:", "http:"],
  ["wss:", "https:"],
]);

/**
 * Where the service is, as HTTP, with a slash at its end.
 *
 * @param {string | URL | undefined} given
 * @returns {string}
 */
export const serviceUrl = (given) => {
  const page = /** @type {{ location?: { origin: string } }} */ (globalThis).location;
  const url = new URL(given ?? page?.origin ?? DEFAULT_URL);
  const scheme = HTTP_SCHEMES.get(url.protocol) ?? url.protocol;
  return `${scheme}//${url.host}${url.pathname.replace(/\/?$/, "/")}`;
};

/**
 * @param {string} service
 * @param {{ filter: Filter, since: string | undefined, policy: string | undefined }} subscription
 * @param {"ws" | "events"} route
 * @returns {string}
 */
export const subscriptionUrl = (service, { filter, since, policy }, route) => {
  const url = new URL(route, service);
  for (const [key, value] of Object.entries({ ...filter, since, policy }))
    for (const one of [value].flat()) if (one !== undefined) url.searchParams.append(key, String(one));
  return url.href;
};

/** @param {string} url @returns {string} the same, for a WebSocket */
export const webSocketUrl = (url) => url.replace(/^http/, "ws");
