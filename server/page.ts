/**
 * The page at `/`: plain files, read once. It loads nothing from elsewhere and runs no inline script, which the
 * content security policy enforces: what it shows is written by whoever sends requests to this host.
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
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

const FOR_TESTS = new Set(["testing.js", "match.js", "start-service.js"]);
const SCRIPT = "text/javascript; charset=utf-8";

/** The client is the one that `kernelcast/client` gives to others, too. */
const CLIENT_FILES = readdirSync(new URL("./client/", import.meta.url)).filter(
  (name) => name.endsWith(".js") && !FOR_TESTS.has(name),
);

const FILES: readonly { path: string; file: string; type: string }[] = [
  { path: "/", file: "page/index.html", type: "text/html; charset=utf-8" },
  { path: "/page.css", file: "page/page.css", type: "text/css; charset=utf-8" },
  { path: "/page.js", file: "page/page.js", type: SCRIPT },
  ...CLIENT_FILES.map((name) => ({ path: `/client/${name}`, file: `client/${name}`, type: SCRIPT })),
];

/** They hold nothing but the program. */
const PAGE_PATHS: readonly string[] = FILES.map(({ path }) => path);

/** Routes of the page's files. */
const createPage = (): Hono => {
  const page = new Hono();
  for (const { path, file, type } of FILES) {
    const text = readFileSync(new URL(file, import.meta.url), "utf8");
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

export { createPage, PAGE_PATHS };
