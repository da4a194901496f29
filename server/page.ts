/**
 * The page at `/`: three plain files, read once. It loads nothing from elsewhere and runs no inline script, which the
 * content security policy enforces: what it shows is written by whoever sends requests to this host.
 * @module
 */

import { readFileSync } from "node:fs";
import { Hono } from "hono";

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const FILES = [
  { path: "/", file: "index.html", type: "text/html; charset=utf-8" },
  { path: "/page.css", file: "page.css", type: "text/css; charset=utf-8" },
  { path: "/page.js", file: "page.js", type: "text/javascript; charset=utf-8" },
] as const;

/** Routes of the page's files. */
const createPage = (): Hono => {
  const page = new Hono();
  for (const { path, file, type } of FILES) {
    const text = readFileSync(new URL(`./page/${file}`, import.meta.url), "utf8");
    page.get(path, (c) =>
      c.body(text, 200, {
        "Content-Type": type,
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
      }),
    );
  }
  return page;
};

export { createPage };
