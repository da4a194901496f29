/**
 * The reading end of the flood, a process of its own that holds itself to one CPU: decodes every event. Says `ready`, and
 * what came once it is told to stop. `flood-reader.ts OBJECT CPU`
 */
import { clockOffset } from "../../ffi/clock.ts";
import { Consumer } from "../../ffi/consumer.ts";
import { decodeHttpEvent } from "../../ffi/decode.ts";
import { http } from "../../ffi/protocol.ts";
import { Reader } from "../../ffi/reader.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";

export interface FloodReport {
  observed: number;
  decoded: number;
  /** Of the whole life of the process. */
  cpuSeconds: number;
}

const [object = "", cpu = "0"] = process.argv.slice(2);
// Before the reader's thread is made, which inherits it.
Bun.spawnSync(["taskset", "--all-tasks", "--cpu-list", "--pid", cpu, String(process.pid)]);

// The reader's thread shares its CPU with JavaScript here, so a ring must bridge a whole slice of that.
const reader = new Reader({ objectPaths: [object], ringBytes: 8 * 1024 * 1024 });
const clock = clockOffset(0n);
const policy = new TargetPolicy();
let decoded = 0;
const consumer = new Consumer(reader, http, (events) => {
  for (let index = 0; index < events.length; index++) decodeHttpEvent(events.at(index), ++decoded, clock, policy);
});
consumer.start();
await reader.start();
process.on("message", async () => {
  await reader.stop();
  const counters = reader.counters("flood");
  let observed = 0;
  for (let cpu = 0; cpu < counters.cpus; cpu++) observed += counters.readCpu(cpu).observed;
  const { user, system } = process.cpuUsage();
  reader.close();
  process.send?.({ observed, decoded, cpuSeconds: (user + system) / 1e6 } satisfies FloodReport);
});
process.send?.("ready");
