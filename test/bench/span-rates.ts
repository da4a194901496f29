import type { SpanRun } from "./span-sender.ts";
import type { SinkCount } from "./span-sink.ts";
import type { SpanWayName } from "./span-ways.ts";
import { Talker } from "./talker.ts";

/** Each way once, one after the other. */
export type SpanRound = Record<SpanWayName, SpanRun & { bytesPerSpan: number }>;

const WAYS: readonly SpanWayName[] = ["tracer", "readable", "ours"];
const SENDER_CPU = "0";
const SINK_CPU = "1";
/** What the first run of each is, so that its code is compiled; thrown away. */
const WARM_UP_SPANS = 100_000;

/**
 * Interleaved rounds of about `seconds` for each way, from one CPU to a sink on the other. Each way has a process for all of
 * its rounds. @throws Error when the sink did not get what was sent
 */
export async function spanRates(
  { rounds, seconds }: { rounds: number; seconds: number },
  say: (line: string) => void,
): Promise<SpanRound[]> {
  const sink = new Talker("span-sink.ts", [SINK_CPU]);
  const url = await sink.hear<string>();
  const senders = new Map<SpanWayName, { talker: Talker; count: number }>();
  for (const way of WAYS) {
    const talker = new Talker("span-sender.ts", [way, url, SENDER_CPU]);
    await talker.hear();
    const { spans, seconds: took } = await talker.ask<SpanRun>(WARM_UP_SPANS);
    senders.set(way, { talker, count: Math.ceil((spans / took) * seconds) });
  }
  await sink.ask<SinkCount>("count");

  const results: SpanRound[] = [];
  for (let round = 0; round < rounds; round++) {
    say(`spans to a collector, round ${round + 1} of ${rounds}`);
    const result: Partial<SpanRound> = {};
    for (const way of rotated(WAYS, round)) {
      const sender = senders.get(way);
      if (sender === undefined) continue;
      const run = await sender.talker.ask<SpanRun>(sender.count);
      const { bytes } = await sink.ask<SinkCount>("count");
      result[way] = { ...run, bytesPerSpan: bytes / run.spans };
    }
    results.push(result as SpanRound);
  }
  for (const { talker } of senders.values()) await talker.end();
  await sink.end();
  return results;
}

const rotated = <T>(values: readonly T[], by: number): T[] => {
  const start = by % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
};
