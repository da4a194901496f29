/** The transactions that all ways of a span are measured with: as the kernel writes them, and decoded. */
import type { RawBatch } from "../../ffi/batch.ts";
import { clockOffset } from "../../ffi/clock.ts";
import type { HttpEvent } from "../../ffi/event.ts";
import { HttpCursor } from "../../ffi/http-cursor.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { type HttpFields, httpBatch, ipv4 } from "../ffi/support/ring.ts";

/** Spans of one request, for every way. */
export const REQUEST_SPANS = 512;
/** Events of one batch of the kernel's. */
const KERNEL_BATCH = 16;
/** Different ones, after which they come again: as many as a busy host's ring holds at a time, no more than a cache does. */
const EVENT_COUNT = 8 * REQUEST_SPANS;

export const CLOCK = clockOffset(1_790_000_000_000_000_000n);
const METHODS = ["GET", "GET", "GET", "POST", "PUT"];
const HOSTS = ["api.local:8080", "shop.example.com", "static.example.com"];
const USER_AGENTS = ["curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"];
const STATUSES = [200, 200, 200, 200, 304, 404, 500];

/** Half of them are part of a caller's trace. */
function eventFields(index: number): HttpFields {
  const startNs = BigInt(index) * 1_000_003n;
  const of = <T>(values: readonly T[]): T => values[index % values.length] as T;
  const id = (digits: number) => (index + 1).toString(16).padStart(digits, "0");
  return {
    startNs,
    firstByteNs: startNs + 800_000n,
    endNs: startNs + 1_234_567n,
    requestHeaderBytes: 180,
    responseHeaderBytes: 240,
    responseBodyBytes: 1400n,
    client: ipv4(10, 0, index % 4, index % 97),
    server: ipv4(10, 1, 0, 2),
    clientPort: 32_768 + (index % 28_000),
    serverPort: 8080,
    status: of(STATUSES),
    method: of(METHODS),
    target: `/shop/items/${index}/details`,
    host: of(HOSTS),
    userAgent: of(USER_AGENTS),
    ...(index % 2 === 0 ? {} : { traceparent: `00-${id(32)}-${id(16)}-01` }),
  };
}

export function kernelBatches(): RawBatch[] {
  return Array.from({ length: EVENT_COUNT / KERNEL_BATCH }, (_, batch) =>
    httpBatch(Array.from({ length: KERNEL_BATCH }, (_, index) => eventFields(batch * KERNEL_BATCH + index))),
  );
}

export function decodedEvents(): HttpEvent[] {
  const cursor = new HttpCursor(new TargetPolicy());
  return kernelBatches().flatMap((batch, index) => {
    cursor.open(batch, index * KERNEL_BATCH + 1, CLOCK);
    return Array.from({ length: batch.length }, (_, at) => cursor.at(at).decode());
  });
}
