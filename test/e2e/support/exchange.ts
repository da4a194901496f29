import { expect } from "bun:test";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HttpEvent } from "../../../ffi/event.ts";
import type { Child } from "./child.ts";
import { type CurlRequest, curlAll } from "./curl.ts";
import type { Network } from "./network.ts";
import { startNginx, temporaryFolder } from "./nginx.ts";

const LARGE_BYTES = 300_000;
const UPLOAD_BYTES = 70_000;
/** More than a packet holds, of any size but the largest. */
const LONG_HEADER = `x-long: ${"long ".repeat(600)}`;

/** A server of the site that {@link exchange} asks. @param listen nginx's, such as `80` */
export function startSite(network: Network, ...listen: string[]): Promise<Child> {
  const folder = temporaryFolder();
  // Random, so that it is as large when compressed, on the fly and therefore in chunks.
  writeFileSync(join(folder, "large"), randomBytes(LARGE_BYTES));
  return startNginx(
    network,
    `client_max_body_size 0; client_body_buffer_size 1m; large_client_header_buffers 4 16k;
    server {
      ${listen.map((value) => `listen ${value};`).join(" ")}
      root ${folder};
      location /small { return 200 hello; }
      location /none { return 204; }
      location /large { try_files /large =404; }
      location /chunks { try_files /large =404; gzip on; gzip_types *; }
      location /take { proxy_pass http://unix:${folder}/back; }
    }
    server { listen unix:${folder}/back; return 201 taken; }`,
  );
}

interface ExchangeOptions {
  count?: number;
  /** Without them, when false. A chunk's size must have been seen to know where the next one is. */
  chunks?: boolean;
}

function requests(origin: string, { count = 48, chunks = true }: ExchangeOptions): CurlRequest[] {
  const upload = join(temporaryFolder(), "upload");
  writeFileSync(upload, "u".repeat(UPLOAD_BYTES));
  const kinds: ((n: number) => CurlRequest)[] = [
    (n) => ({ method: "GET", url: `${origin}/small/${n}` }),
    (n) => ({ method: "GET", url: `${origin}/large/${n}` }),
    (n) => ({ method: "POST", url: `${origin}/take/${n}`, bodyFile: upload, headers: ["Expect:"] }),
    (n) => ({ method: "HEAD", url: `${origin}/large/${n}` }),
    (n) => ({ method: "GET", url: `${origin}/none/${n}`, headers: [LONG_HEADER] }),
    (n) => ({ method: "GET", url: `${origin}/chunks/${n}`, headers: ["Accept-Encoding: gzip"] }),
  ];
  const used = chunks ? kinds : kinds.slice(0, -1);
  return Array.from({ length: count }, (_, n) => (used[n % used.length] as (typeof kinds)[number])(n));
}

/** What is known of a transaction on both sides; ports as the client knows them. */
const line = (address: string, port: number, method: string, path: string, status: number, bytes: number) =>
  `${address} ${port} ${method} ${path} ${status} ${bytes}`;

/**
 * Small and large responses, uploads, heads of several packets, over connections that are kept, some at a time.
 * @returns the transactions as the client knows them, to be held against events by {@link expectExactly}
 */
export async function exchange(client: Network, origin: string, options: ExchangeOptions = {}): Promise<string[]> {
  const transfers = await curlAll(client, requests(origin, options), 4);
  return transfers.map(({ local_ip, local_port, method, url, http_code, size_download, exitcode }) => {
    expect(exitcode).toBe(0);
    return line(local_ip, local_port, method, new URL(url).pathname, http_code, size_download);
  });
}

/** As {@link exchange} knows it. */
const lineOf = ({ client, method, path, status, responseBodyBytes = 0 }: HttpEvent) =>
  line(client.address, client.port, method, path, status, responseBodyBytes);

/** Every transaction of the client's is one event, whole, and each event one of these. */
export function expectExactly(events: readonly HttpEvent[], transactions: readonly string[]): void {
  const incomplete = events.filter(({ outcome }) => outcome !== "complete");
  expect(incomplete.map((event) => `${lineOf(event)} ${event.outcome}`)).toEqual([]);
  expectOnce(events, transactions);
}

/**
 * Every transaction of the client's is one event, and each event one of these. One that is not complete may know less of the
 * response, or nothing; what it knows is true.
 */
export function expectOnce(events: readonly HttpEvent[], transactions: readonly string[]): void {
  const missing = [...transactions];
  const unknown: string[] = [];
  for (const event of events) {
    const text = lineOf(event);
    const found = missing.findIndex((transaction) =>
      event.outcome === "complete" ? transaction === text : begins(transaction, event),
    );
    if (found < 0) unknown.push(`${text} ${event.outcome}`);
    else missing.splice(found, 1);
  }
  expect({ missing, unknown }).toEqual({ missing: [], unknown: [] });
}

function begins(transaction: string, event: HttpEvent): boolean {
  const [, , , , status, bytes] = transaction.split(" ").map(Number);
  const known = event.status === 0 || (event.status === status && (event.responseBodyBytes ?? 0) <= (bytes as number));
  return known && transaction.startsWith(`${lineOf(event).split(" ").slice(0, 4).join(" ")} `);
}
