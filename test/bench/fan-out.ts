import type { FanOutReading } from "./fan-out-reader.ts";
import type { FanOutQuestion, FanOutRun, FilterCost } from "./fan-out-service.ts";
import { Talker } from "./talker.ts";

/** Events at a steady rate to some subscribers, each of whom gets all of them. */
export interface FanOut {
  form: "json" | "binary";
  subscribers: number;
  perSecond: number;
  made: number;
  /** By all of them. */
  received: number;
  /** Made at the rate, and received by each, once and in order. */
  isWhole: boolean;
  bytesPerEvent: number;
  /** For an event that one subscriber received. */
  serviceCpuMicros: number;
  readerCpuMicros: number;
  peakMb: number;
}

export interface FanOutCosts {
  runs: FanOut[];
  filters: FilterCost[];
}

/** Each until the first that is not whole. */
const LADDERS: readonly (Pick<FanOut, "form" | "subscribers"> & { rates: readonly number[] })[] = [
  { form: "json", subscribers: 1, rates: [200_000, 400_000, 600_000, 800_000] },
  { form: "json", subscribers: 10, rates: [20_000, 50_000, 100_000, 150_000] },
  { form: "json", subscribers: 100, rates: [2000, 5000, 10_000, 15_000] },
  { form: "json", subscribers: 1000, rates: [200, 500, 1000, 1500] },
  { form: "binary", subscribers: 1, rates: [500_000, 1_000_000, 1_500_000, 2_000_000] },
  { form: "binary", subscribers: 10, rates: [50_000, 100_000, 150_000, 200_000] },
  { form: "binary", subscribers: 100, rates: [5000, 10_000, 15_000, 20_000] },
  { form: "binary", subscribers: 1000, rates: [500, 1000, 1500, 2000] },
];
const WARM_UP_SECONDS = 1;
const ANSWER_POLL_MILLIS = 20;

export async function fanOutCosts(seconds: number, say: (line: string) => void): Promise<FanOutCosts> {
  const runs: FanOut[] = [];
  for (const { form, subscribers, rates } of LADDERS) {
    for (const perSecond of rates) {
      say(`${perSecond.toLocaleString("en")} events/s to ${subscribers} subscribers, ${form}`);
      const run = await fanOutOnce({ form, subscribers, perSecond, seconds, warmUp: rates[0] ?? perSecond });
      runs.push(run);
      if (!run.isWhole) break;
    }
  }
  const service = new Talker("fan-out-service.ts", []);
  await service.hear<string>();
  const filters = await service.ask<FilterCost[]>({ ask: "filters" } satisfies FanOutQuestion);
  await service.end();
  return { runs, filters };
}

/** Events per second that a number of subscribers got whole; 0: not even the lowest rate. */
export function highestFanOut(runs: readonly FanOut[], form: FanOut["form"], subscribers: number): number {
  const whole = runs.filter((run) => run.form === form && run.subscribers === subscribers && run.isWhole);
  return Math.max(0, ...whole.map(({ perSecond }) => perSecond));
}

interface FanOutLoad extends Pick<FanOut, "form" | "subscribers" | "perSecond"> {
  seconds: number;
  /** Events per second that are held for certain, so that the code is compiled by then. */
  warmUp: number;
}

async function fanOutOnce({ form, subscribers, perSecond, seconds, warmUp }: FanOutLoad): Promise<FanOut> {
  const service = new Talker("fan-out-service.ts", []);
  const url = await service.hear<string>();
  const reader = new Talker("fan-out-reader.ts", [url, String(subscribers), `kernelcast.v1.${form}`]);
  await reader.hear<string>();
  const run = (rate: number, length: number) =>
    service.ask<FanOutRun>({ ask: "run", perSecond: rate, seconds: length } satisfies FanOutQuestion);
  const warm = await run(warmUp, WARM_UP_SECONDS);
  const before = await readingOf(reader, warm.sent);
  const { made, sent, dropped, cpuSeconds, peakMb } = await run(perSecond, seconds);
  const after = await readingOf(reader, warm.sent + sent);
  await reader.end();
  await service.end();
  const received = after.events - before.events;
  return {
    form,
    subscribers,
    perSecond,
    made,
    received,
    isWhole: made >= perSecond * seconds && dropped === 0 && received === made * subscribers && after.breaks === 0,
    bytesPerEvent: (after.bytes - before.bytes) / received,
    serviceCpuMicros: (cpuSeconds * 1e6) / received,
    readerCpuMicros: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / received,
    peakMb,
  };
}

/** When it has read what was sent, which then is on its way at most. */
async function readingOf(reader: Talker, events: number): Promise<FanOutReading> {
  for (;;) {
    const reading = await reader.ask<FanOutReading>("read");
    if (reading.events >= events) return reading;
    await Bun.sleep(ANSWER_POLL_MILLIS);
  }
}
