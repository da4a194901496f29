/**
 * One way of sending spans, in a process of its own that holds itself to one CPU. Says `ready`, and then what each number of
 * spans took that it is asked to send. `span-sender.ts WAY URL CPU`
 */
import { memory } from "./process-usage.ts";
import { SPAN_WAYS, type SpanWayName } from "./span-ways.ts";

export interface SpanRun {
  spans: number;
  seconds: number;
  /** Of all threads. */
  cpuSeconds: number;
  /** The most that the process ever had. */
  peakMb: number;
}

const [way = "ours", url = "", cpu = "0"] = process.argv.slice(2);
Bun.spawnSync(["taskset", "--all-tasks", "--cpu-list", "--pid", cpu, String(process.pid)]);

const send = SPAN_WAYS[way as SpanWayName](url);
process.on("message", async (count: number) => {
  const cpuBefore = process.cpuUsage();
  const beganMillis = performance.now();
  const spans = await send(count);
  const seconds = (performance.now() - beganMillis) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  process.send?.({
    spans,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakMb: memory(process.pid).peakMb,
  } satisfies SpanRun);
});
process.send?.("ready");
