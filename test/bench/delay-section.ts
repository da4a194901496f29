import { idleSync, loadedSync, moderateDelay, quietDelay, type SyncDelay } from "./delay.ts";
import { markdownTable } from "./markdown.ts";
import type { Memory } from "./process-usage.ts";
import type { Section, Target } from "./section.ts";
import type { Percentiles } from "./statistics.ts";
import { short, whole } from "./table.ts";
import { Watch, type Window } from "./watched.ts";
import { wrk } from "./wrk.ts";

interface DelayFigures {
  quietMillis: Percentiles;
  moderate: Window;
  loaded: Window;
  sync: { idle: SyncDelay; loaded: SyncDelay };
  /** Of one core. */
  idleCpuPercent: number;
  /** After all of these loads in one life. */
  memory: Memory;
  clockErrorMillis: number;
}

const HEAD = ["ms", "count", "p50", "p99", "p99.9", "max"];
const cells = (name: string, { count, p50, p99, p999, max }: Percentiles) => [
  name,
  whole(count),
  ...[p50, p99, p999, max].map(short),
];

export const delaySection: Section<DelayFigures> = {
  name: "delay",
  title: "From the kernel to a subscriber, and `POST /sync`",

  async run({ nginx, settings, say }) {
    const { connections, seconds, warmUpSeconds, quietRequests, idleSeconds, syncCalls } = settings;
    const watch = await Watch.start(nginx);
    await wrk({ url: nginx.url, connections, seconds: warmUpSeconds });
    say("delay of single requests");
    const quietMillis = await quietDelay(watch, nginx, quietRequests);
    say("delay at a moderate rate, and at full load");
    const moderate = await moderateDelay(watch, nginx, settings);
    const loaded = await watch.measure({ url: nginx.url, connections, seconds });
    say("POST /sync");
    const sync = { idle: await idleSync(watch, syncCalls), loaded: await loadedSync(watch, nginx, settings) };
    say("idle CPU");
    const cpuBefore = watch.service.cpuSeconds();
    await Bun.sleep(idleSeconds * 1000);
    const idleCpuPercent = ((watch.service.cpuSeconds() - cpuBefore) * 100) / idleSeconds;
    const memory = watch.service.memory();
    const { clockErrorMillis } = watch.subscription;
    await watch.stop();
    return { quietMillis, moderate, loaded, sync, idleCpuPercent, memory, clockErrorMillis };
  },

  render({ quietMillis, moderate, loaded, sync, idleCpuPercent, memory, clockErrorMillis }) {
    const events = [
      cells("single requests, nothing else", quietMillis),
      cells(`${whole(moderate.load.perSecond)} requests/s`, moderate.latencyMillis),
      cells(`${whole(loaded.load.perSecond)} requests/s, full load`, loaded.latencyMillis),
    ];
    const syncs = [
      cells("idle, as its caller waits", sync.idle.caller),
      cells("idle, by its receipt", sync.idle.service),
      cells("full load, as its caller waits", sync.loaded.caller),
      cells("full load, by its receipt", sync.loaded.service),
    ];
    return {
      markdown: [
        "From the end of a transaction to its frame in the subscriber's process:",
        markdownTable(HEAD, events),
        `The clocks of service and subscriber agree within ${short(Math.abs(clockErrorMillis) + 0.001)} ms. \`POST /sync\`:`,
        markdownTable(HEAD, syncs),
        `Idle, with its subscriber, the service takes ${short(idleCpuPercent)} % of a core; after these loads it has ${short(memory.rssMb)} MB, at most ${short(memory.peakMb)} MB.`,
      ].join("\n\n"),
    };
  },

  targets: ({ quietMillis, loaded, sync, idleCpuPercent, memory }) => [
    below("p99 from kernel to subscriber at full load", loaded.latencyMillis.p99, 50, "ms"),
    below("one request on a quiet machine, median,", quietMillis.p50, 100, "ms"),
    below("`POST /sync`, p99, idle,", sync.idle.caller.p99, 5, "ms"),
    below("`POST /sync`, p99, at full load,", sync.loaded.caller.p99, 20, "ms"),
    below("memory after load (RSS)", memory.rssMb, 150, "MB"),
    below("idle CPU", idleCpuPercent, 2, "% of a core"),
  ],
};

const below = (what: string, value: number, limit: number, unit: string): Target => ({
  what: `${what} below ${limit} ${unit}`,
  measured: `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`,
  met: value < limit,
});
