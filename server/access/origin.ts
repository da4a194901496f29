/**
 * Who asked, as far as a browser says it. A page of another site may open a WebSocket to this service and post to it
 * (cross-site WebSocket hijacking); and a name that its owner points at this machine makes that page look like our own
 * (DNS rebinding). `Origin` gives the first away, `Host` the second.
 * @module
 */

import { isIP } from "node:net";

interface OriginRules {
  /** Names, beside IP addresses and localhost, under which this service may be asked. */
  allowedHosts: readonly string[];
  /** Such as `https://grafana.example`. */
  allowedOrigins: readonly string[];
}

const LOOPBACK_NAME = /(^|\.)localhost\.?$/i;

/** Host and port of a `Host` header; undefined when it is none (RFC 9110 section 7.2). */
const parseHost = (header: string): URL | undefined => {
  if (!/^[A-Za-z0-9._~:[\]-]+$/.test(header)) return undefined;
  try {
    return new URL(`http://${header}/`);
  } catch {
    return undefined;
  }
};

const nameOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, "");

/** A rebound name is a name: whoever asks by address, or as localhost, is not being deceived. */
const isHostAllowed = (header: string | null, { allowedHosts }: OriginRules): boolean => {
  const host = header === null ? undefined : parseHost(header);
  if (host === undefined) return false;
  const name = nameOf(host);
  return isIP(name) !== 0 || LOOPBACK_NAME.test(name) || allowedHosts.some((allowed) => allowed.toLowerCase() === name);
};

/** No browser, our own page, or a site that was named. */
const isOriginAllowed = (origin: string | null, host: string | null, rules: OriginRules): boolean => {
  if (origin === null) return true;
  if (rules.allowedOrigins.includes(origin)) return true;
  try {
    return host !== null && new URL(origin).host === parseHost(host)?.host;
  } catch {
    return false;
  }
};

export type { OriginRules };
export { isHostAllowed, isOriginAllowed };
