/**
 * The reading end of the flood, a process of its own that holds itself to one CPU. Its callback lets a batch go (`batch`),
 * or decodes every event of it (`decode`). Says `ready`, and to each message what came so far.
 * `flood-reader.ts OBJECT CPU WAY`
 */
import { clockOffset } from "../../ffi/clock.ts";
import { Consumer } from "../../ffi/consumer.ts";
import { decodeHttpEvent } from "../../ffi/decode.ts";
import { http } from "../../ffi/protocol.ts";
import { Reader } from "../../ffi/reader.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";

/** Since the process began. */
export interface FloodReading {
  /** Made in the kernel. */
  observed: number;
  received: number;
  cpuSeconds: number;
}

const [object = "", cpu = "0", way = "decode"] = process.argv.slice(2);
// Before the reader's thread is made, which inherits it.
Bun.spawnSync(["taskset", "--all-tasks", "--cpu-list", "--pid", cpu, String(process.pid)]);

// The reader's thread shares its CPU with JavaScript here, so a ring must bridge a whole slice of that.
const reader = new Reader({ objectPaths: [object], ringBytes: 8 * 1024 * 1024 });
const clock = clockOffset(0n);
const policy = new TargetPolicy();
let received = 0;
const consumer = new Consumer(reader, http, (events) => {
  if (way === "batch") received += events.length;
  else for (let index = 0; index < events.length; index++) decodeHttpEvent(events.at(index), ++received, clock, policy);
});
consumer.start();
await reader.start();
process.on("message", async () => {
  await consumer.sync();
  const counters = reader.counters("flood");
  let observed = 0;
  for (let cpu = 0; cpu < counters.cpus; cpu++) observed += counters.readCpu(cpu).observed;
  const { user, system } = process.cpuUsage();
  process.send?.({ observed, received, cpuSeconds: (user + system) / 1e6 } satisfies FloodReading);
});
process.send?.("ready");
