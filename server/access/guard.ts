/**
 * What stands before every route: is this service meant, may this page ask, may this caller do it, and not too often.
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Context, MiddlewareHandler } from "hono";
import { PAGE_PATHS } from "../page.ts";
import { problem } from "../problem.ts";
import { tokenInUrl, tokenOf } from "./credentials.ts";
import { isHostAllowed, isOriginAllowed, type OriginRules } from "./origin.ts";
import { type RateLimit, RateLimiter } from "./rate.ts";
import { covers, type Scope, type Tokens } from "./tokens.ts";

interface GuardOptions extends OriginRules {
  /** Undefined: whoever reaches the service may do everything. */
  tokens: Tokens | undefined;
  /** Of requests from one address of another machine. */
  requestLimit?: RateLimit;
  /** Of wrong tokens from one address of any machine that are answered at once. */
  failureLimit?: RateLimit;
  /** How long the answers to all others wait. */
  failureHoldMillis?: number;
}

interface GuardBindings {
  /** Of the peer; undefined on a Unix socket, where no browser and no other machine comes. */
  remoteAddress?: string | undefined;
}

const REQUEST_LIMIT: RateLimit = { perSecond: 200, burst: 400 };
const FAILURE_LIMIT: RateLimit = { perSecond: 1, burst: 20 };
/** One guess a second on each connection. */
const FAILURE_HOLD_MILLIS = 1000;
/** They say nothing of the traffic; a probe and a browser that has no token yet need them. */
const OPEN_PATHS = new Set([...PAGE_PATHS, "/healthz", "/readyz"]);
const READING_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
const CORS_METHODS = "GET, POST, PUT";
const CORS_MAX_AGE_SECONDS = "600";

const scopeOf = (method: string, path: string): Scope | undefined => {
  if (!READING_METHODS.has(method)) return "control";
  return OPEN_PATHS.has(path) ? undefined : "read";
};

const isLoopback = (address: string) => /^(::ffff:)?127\.|^::1$/.test(address);

const refuseToken = (c: Context, held: Scope | undefined, needed: Scope, given: boolean) => {
  if (held !== undefined) {
    c.header("WWW-Authenticate", `Bearer realm="kernelcast", error="insufficient_scope", scope="${needed}"`);
    return problem(c, 403, "insufficient_scope", `this needs a token with the scope ${needed}; this one has ${held}`);
  }
  c.header(
    "WWW-Authenticate",
    given ? 'Bearer realm="kernelcast", error="invalid_token"' : 'Bearer realm="kernelcast"',
  );
  const message = given
    ? "the token is not known here"
    : 'this needs a token: send "Authorization: Bearer TOKEN", or offer the WebSocket subprotocol kernelcast.token.TOKEN';
  return problem(c, 401, given ? "bad_token" : "no_token", message);
};

const allowSite = (c: Context, origin: string): void => {
  c.header("Access-Control-Allow-Origin", origin);
  c.header("Vary", "Origin");
};

/** Answers the question that a browser asks before a request of another site. */
const answerPreflight = (c: Context) => {
  c.header("Access-Control-Allow-Methods", CORS_METHODS);
  c.header("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID");
  c.header("Access-Control-Max-Age", CORS_MAX_AGE_SECONDS);
  return c.body(null, 204);
};

/** Use it before any route. */
const createGuard = (options: GuardOptions): MiddlewareHandler<{ Bindings: GuardBindings }> => {
  const { tokens } = options;
  const requests = new RateLimiter(options.requestLimit ?? REQUEST_LIMIT);
  const failures = new RateLimiter(options.failureLimit ?? FAILURE_LIMIT);
  const holdMillis = options.failureHoldMillis ?? FAILURE_HOLD_MILLIS;
  return async (c, next) => {
    const remote = c.env?.remoteAddress ?? "";
    const host = c.req.header("Host") ?? null;
    const origin = c.req.header("Origin") ?? null;
    if (remote !== "" && !isHostAllowed(host, options))
      return problem(
        c,
        421,
        "bad_host",
        `expected to be asked by address or as localhost, got ${JSON.stringify(host)}; --allowed-host adds names`,
      );
    if (!isOriginAllowed(origin, host, options))
      return problem(c, 403, "bad_origin", `pages of ${origin} may not ask; --allowed-origin adds sites`);
    if (origin !== null && options.allowedOrigins.includes(origin)) {
      allowSite(c, origin);
      if (c.req.method === "OPTIONS" && c.req.header("Access-Control-Request-Method") !== undefined)
        return answerPreflight(c);
    }
    if (remote !== "" && !isLoopback(remote) && !requests.take(remote)) {
      c.header("Retry-After", "1");
      return problem(c, 429, "too_many_requests", "too many requests from this address; try again in a second");
    }
    const parameter = tokenInUrl(new URL(c.req.url));
    if (parameter !== undefined)
      return problem(
        c,
        400,
        "token_in_url",
        `a token must not be in the URL (${parameter}), which ends up in logs: send it as "Authorization: Bearer"`,
      );
    const needed = scopeOf(c.req.method, c.req.path);
    if (tokens === undefined || needed === undefined) return next();
    const token = tokenOf(c.req.raw.headers);
    const held = token === undefined ? undefined : tokens.scopeOf(token);
    // First of all: who guesses beside them, from the same address, must not keep out those who know.
    if (held !== undefined && covers(held, needed)) return next();
    if (token !== undefined && held === undefined && !failures.take(remote)) {
      await sleep(holdMillis);
      c.header("Retry-After", "1");
      return problem(c, 429, "too_many_failures", "too many wrong tokens from this address; try again later");
    }
    return refuseToken(c, held, needed, token !== undefined);
  };
};

export type { GuardBindings, GuardOptions };
export { createGuard };
