/** @import { Match } from "./testing.d.ts" */

/**
 * @template T
 * @param {T} value
 * @param {Match<T> | ((value: T) => boolean)} wanted
 * @returns {boolean}
 */
export const matches = (value, wanted) => {
  if (typeof wanted === "function") return /** @type {(value: T) => boolean} */ (wanted)(value);
  // Not `test`, which goes on where it was.
  if (wanted instanceof RegExp) return typeof value === "string" && value.search(wanted) >= 0;
  if (typeof wanted !== "object" || wanted === null) return Object.is(value, wanted);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(wanted).every(([key, one]) => matches(/** @type {any} */ (value)[key], one));
};
