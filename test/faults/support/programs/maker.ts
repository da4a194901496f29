/**
 * Delivery, history, hub and listener over events that are made here at a steady rate, from nobody's kernel: what is held so is
 * not held back by a kernel, a server and its load on the same CPUs, and says nothing of them. Prints its URL; a line of input
 * `make RATE SECONDS` begins, and when all is made and a barrier announced it prints a line of JSON.
 */
import { createInterface } from "node:readline";
import { createApp } from "../../../../server/app.ts";
import { Hub } from "../../../../server/hub.ts";
import { listen } from "../../../../server/listen.ts";
import type { HttpFields } from "../../../ffi/support/ring.ts";
import { FakeCapture } from "../../../server/fake.ts";
import { Synthetic } from "../../../server/support/synthetic.ts";
import { kindFields } from "../kinds.ts";

export interface MakerReport {
  made: number;
  seconds: number;
  cpuSeconds: number;
  residentMib: number;
  balanced: boolean;
}

const BATCH_EVENTS = 6;
/** As the reader's ring does it. */
const SLICE_MILLIS = 8;
const BARRIER = 1;

const synthetic = new Synthetic({ maxBytes: 32 * 1024 * 1024 });
const hub = new Hub({
  queueMax: 20_000,
  subscriberMax: 1000,
  version: "0.0.0",
  history: synthetic.history,
  heartbeatMillis: 1000,
  // Where much else runs, those who are to stall do so for longer than is meant.
  stallMillis: 300_000,
});
synthetic.feed(hub);
const app = createApp({ capture: new FakeCapture(), hub, spans: undefined, version: "0.0.0" });
const { url } = listen({ host: "127.0.0.1", port: 0, app, hub });

function fieldsOf(number: number): HttpFields {
  const startNs = 1_790_000_000_000_000_000n + BigInt(number);
  return {
    ...kindFields(number),
    startNs,
    firstByteNs: startNs + 500_000n,
    endNs: startNs + 1_000_000n,
    requestBodyBytes: BigInt(number + 1),
  };
}

async function make(rate: number, seconds: number): Promise<MakerReport> {
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  let made = 0;
  while (made < rate * seconds) {
    const now = performance.now();
    const due = Math.min(rate * seconds, ((now - began) * rate) / 1000);
    while (made < due && performance.now() - now < SLICE_MILLIS) {
      synthetic.http(Array.from({ length: BATCH_EVENTS }, (_, index) => fieldsOf(made + index)));
      made += BATCH_EVENTS;
    }
    synthetic.endTurn();
    if (made < due) await new Promise((resolve) => setImmediate(resolve));
    else await Bun.sleep(1);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const { total } = hub.stats();
  const dropped = Object.values(total.dropped).reduce((sum, count) => sum + count, 0);
  return {
    made,
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: (user + system) / 1e6,
    residentMib: process.memoryUsage.rss() / 1024 / 1024,
    balanced: total.delivered === total.sent + total.filtered + dropped + total.queued,
  };
}

console.log(url);
for await (const line of createInterface(process.stdin)) {
  const [word, ...numbers] = line.split(" ");
  if (word === "make") console.log(JSON.stringify(await make(Number(numbers[0]), Number(numbers[1]))));
  if (word === "sync") hub.sync(BARRIER);
}
