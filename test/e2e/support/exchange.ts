import { expect } from "bun:test";
import { truncateSync, writeFileSync } from "node:fs";
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
  const large = join(folder, "large");
  writeFileSync(large, "");
  truncateSync(large, LARGE_BYTES);
  return startNginx(
    network,
    `client_max_body_size 0; client_body_buffer_size 1m; large_client_header_buffers 4 16k;
    server {
      ${listen.map((value) => `listen ${value};`).join(" ")}
      root ${folder};
      location /small { return 200 hello; }
      location /none { return 204; }
      location /large { try_files /large =404; }
      location /take { proxy_pass http://unix:${folder}/back; }
    }
    server { listen unix:${folder}/back; return 201 taken; }`,
  );
}

function requests(origin: string, count: number): CurlRequest[] {
  const upload = join(temporaryFolder(), "upload");
  writeFileSync(upload, "u".repeat(UPLOAD_BYTES));
  const kinds: ((n: number) => CurlRequest)[] = [
    (n) => ({ method: "GET", url: `${origin}/small/${n}` }),
    (n) => ({ method: "GET", url: `${origin}/large/${n}` }),
    (n) => ({ method: "POST", url: `${origin}/take/${n}`, bodyFile: upload, headers: ["Expect:"] }),
    (n) => ({ method: "HEAD", url: `${origin}/large/${n}` }),
    (n) => ({ method: "GET", url: `${origin}/none/${n}`, headers: [LONG_HEADER] }),
  ];
  return Array.from({ length: count }, (_, n) => (kinds[n % kinds.length] as (typeof kinds)[number])(n));
}

/** What is known of a transaction on both sides; ports as the client knows them. */
const line = (address: string, port: number, method: string, path: string, status: number, bytes: number) =>
  `${address} ${port} ${method} ${path} ${status} ${bytes}`;

const BYTES: Record<string, number> = { small: 5, take: 5, none: 0, large: LARGE_BYTES };

function bytesOf(method: string, path: string): number {
  return method === "HEAD" ? 0 : (BYTES[path.split("/")[1] as string] as number);
}

/**
 * Small and large responses, uploads, heads of several packets, over connections that are kept, some at a time.
 * @returns the transactions as the client knows them, to be held against events by {@link expectExactly}
 */
export async function exchange(client: Network, origin: string, count = 40): Promise<string[]> {
  const transfers = await curlAll(client, requests(origin, count), 4);
  return transfers.map(({ local_ip, local_port, method, url, http_code, exitcode }) => {
    const path = new URL(url).pathname;
    expect(exitcode).toBe(0);
    return line(local_ip, local_port, method, path, http_code, bytesOf(method, path));
  });
}

/** Every transaction of the client's is one event, whole, and each event one of these. */
export function expectExactly(events: readonly HttpEvent[], transactions: readonly string[]): void {
  const missing = [...transactions];
  const unknown: string[] = [];
  for (const { client, method, path, status, responseBodyBytes = -1, outcome } of events) {
    const text = line(client.address, client.port, method, path, status, responseBodyBytes);
    const found = outcome === "complete" ? missing.indexOf(text) : -1;
    if (found < 0) unknown.push(`${text} ${outcome}`);
    else missing.splice(found, 1);
  }
  expect({ missing, unknown }).toEqual({ missing: [], unknown: [] });
}
