/**
 * The OTLP receiver as a process. Prints its address, then each span as a line (its times, which exceed 2^53, as strings).
 * A line of input is answered by one that says how many spans had come, and the last reading of each metric.
 */
import { createInterface } from "node:readline";
import { Receiver } from "../../../otel/support/receiver.ts";

const receiver = new Receiver();
await receiver.start();
let printed = 0;

function print(value: unknown): void {
  console.log(JSON.stringify(value, (_, item) => (typeof item === "bigint" ? String(item) : item)));
}

function printSpans(): void {
  while (printed < receiver.spans.length) print(receiver.spans[printed++]);
}

print({ url: receiver.url.href });
setInterval(printSpans, 10);
createInterface({ input: process.stdin }).on("line", () => {
  printSpans();
  const { spans, violations, requests } = receiver;
  const metrics = Object.fromEntries(receiver.metrics.map((metric) => [metric.name, metric]));
  print({ received: spans.length, violations, requests, metrics });
});
