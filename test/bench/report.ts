import type { Measured, Summary } from "./results.ts";
import type { Percentiles } from "./statistics.ts";
import { range, short, table, whole } from "./table.ts";
import type { Target } from "./targets.ts";
import { throughput } from "./throughput-report.ts";

/** What the person reads. */
export function report(measured: Measured, summary: Summary, targets: readonly Target[]): string {
  const sections = [
    heading(measured),
    throughput(measured, summary),
    completeness(summary),
    programs(measured),
    parser(measured),
    delays(measured, summary),
    usage(measured, summary),
    flood(measured),
    pipe(measured),
    fanOut(measured),
    filters(measured),
    spans(summary),
    table(
      "targets",
      ["measured", ""],
      targets.map(({ what, measured, met }) => [what, measured, met ? "met" : "NOT MET"]),
    ),
  ];
  return sections.join("\n\n");
}

function heading({ date, machine, settings }: Measured): string {
  const { versions } = machine;
  return [
    `Kernelcast ${machine.commit}, ${date}`,
    `${machine.cpus} CPUs (${machine.cpu}), ${machine.memoryGb} GB, Linux ${machine.kernel}, Bun ${versions.bun}, ${versions.nginx}, ${versions.wrk}`,
    `${settings.rounds} rounds of ${settings.seconds} s; wrk, ${settings.connections} connections, keep-alive, on lo; load average at start ${short(machine.loadAverage)}`,
  ].join("\n");
}

function completeness({ served, delivered, unanswered, lost, dropped, breaks, balanced }: Summary): string {
  const reasons = Object.entries(dropped).map(([reason, count]) => `${reason} ${whole(count)}`);
  const row = [
    "all watched loads",
    ...[served, delivered, unanswered, lost].map(whole),
    reasons.join(", ") || "none",
    whole(breaks),
    balanced ? "yes" : "NO",
  ];
  return table(
    "completeness",
    ["served", "delivered", "unanswered", "lost", "dropped", "seq breaks", "balanced"],
    [row],
  );
}

function programs({ programs: { noop, service } }: Measured): string {
  const rows = [...service, ...noop].map(({ program, nanosPerTransaction, runsPerTransaction }) => [
    program,
    whole(nanosPerTransaction),
    short(runsPerTransaction),
    whole(nanosPerTransaction / runsPerTransaction),
  ]);
  const sum = service.reduce((total, { nanosPerTransaction }) => total + nanosPerTransaction, 0);
  rows.splice(service.length, 0, ["all of the service's", whole(sum), "", ""]);
  return table("kernel time", ["ns/transaction", "runs/transaction", "ns/run"], rows);
}

function parser({ parser: costs }: Measured): string {
  return table(
    "kernel time by kind of traffic, packets made one by one, caches cold",
    ["ns/transaction", "segments", "ns/segment"],
    costs.map(({ kind, nanosPerTransaction, segmentsPerTransaction, nanosPerSegment }) => [
      kind,
      nanosPerTransaction === undefined ? "" : whole(nanosPerTransaction),
      segmentsPerTransaction === undefined ? "" : short(segmentsPerTransaction),
      whole(nanosPerSegment),
    ]),
  );
}

const delayRow = (name: string, { count, p50, p99, max }: Percentiles) => [
  name,
  whole(count),
  ...[p50, p99, max].map(short),
];

function delays({ quietMillis, moderate, sync, rounds, clockErrorMillis }: Measured, summary: Summary): string {
  const { loadedP50Millis, loadedP99Millis, loadedMaxMillis } = summary;
  const timed = rounds.reduce((total, { watched }) => total + watched.latencyMillis.count, 0);
  const events = table(
    "kernel → subscriber, ms",
    ["timed", "p50", "p99", "max"],
    [
      delayRow("single requests, nothing else", quietMillis),
      delayRow(`${whole(moderate.load.perSecond)} requests/s`, moderate.latencyMillis),
      [
        "full load, median of rounds",
        whole(timed),
        ...[loadedP50Millis, loadedP99Millis, loadedMaxMillis].map(({ median }) => short(median)),
      ],
    ],
  );
  const syncs = table(
    "POST /sync, ms",
    ["calls", "p50", "p99", "max"],
    [
      delayRow("idle, as its caller waits", sync.idle.caller),
      delayRow("idle, by its receipt", sync.idle.service),
      delayRow("full load, as its caller waits", sync.loaded.caller),
      delayRow("full load, by its receipt", sync.loaded.service),
    ],
  );
  return `${events}\nclocks of service and subscriber agree within ${short(Math.abs(clockErrorMillis) + 0.001)} ms\n\n${syncs}`;
}

function usage({ idleCpuPercent, memory }: Measured, summary: Summary): string {
  return table(
    "user side, full load",
    ["median", "min–max"],
    [
      ["service, CPU s per 100,000 transactions", ...range(summary.serviceCpuPer100k)],
      ["subscriber, CPU s per 100,000 transactions", ...range(summary.subscriberCpuPer100k)],
      ["service, RSS after load, MB; highest", short(memory.rssMb), short(summary.rssMb)],
      ["service, highest RSS ever (VmHWM), MB", short(summary.peakMb), ""],
      ["service, idle CPU, % of a core", short(idleCpuPercent), ""],
    ],
  );
}

function pipe({ pipeRuns }: Measured): string {
  return table(
    "each to a JSON subscriber and a collector",
    ["made", "subscriber", "collector", "seq breaks", "CPU µs/transaction", "peak MB"],
    pipeRuns.map(({ perSecond, observed, subscribed, exported, breaks, serviceCpuSeconds, peakMb }) => [
      `${whole(perSecond)} transactions/s`,
      ...[observed, subscribed, exported, breaks].map(whole),
      short((serviceCpuSeconds * 1e6) / observed),
      whole(peakMb),
    ]),
  );
}

function fanOut({ fanOut: { runs } }: Measured): string {
  return table(
    "events to subscribers, made in the service's process",
    ["made", "received", "whole", "service µs/received", "reader µs/received", "bytes", "peak MB"],
    runs.map((run) => [
      `${whole(run.perSecond)} events/s to ${whole(run.subscribers)}, ${run.form}`,
      whole(run.made),
      whole(run.received),
      run.isWhole ? "yes" : "NO",
      short(run.serviceCpuMicros),
      short(run.readerCpuMicros),
      whole(run.bytesPerEvent),
      whole(run.peakMb),
    ]),
  );
}

function filters({ fanOut: { filters } }: Measured): string {
  return table(
    "a filter that selects nothing",
    ["ns/event"],
    filters.map(({ filter, nanosPerEvent }) => [filter, short(nanosPerEvent)]),
  );
}

function spans({ spans }: Summary): string {
  const names = {
    tracer: "tracer, BatchSpanProcessor",
    readable: "ReadableSpan, SDK's exporter",
    ours: "the service's own",
  };
  return table(
    "spans to a collector, from one CPU",
    [
      "spans/s",
      "min–max",
      "per CPU second",
      "min–max",
      "of the tracer's",
      "min–max",
      "µs/span",
      "bytes/span",
      "peak MB",
    ],
    (["tracer", "readable", "ours"] as const).map((way) => {
      const { perSecond, perCpuSecond, ofTracer, bytes, peakMb } = spans[way];
      return [
        names[way],
        ...range(perSecond, whole),
        ...range(perCpuSecond, whole),
        ...range(ofTracer),
        short(1e6 / perCpuSecond.median),
        whole(bytes),
        whole(peakMb),
      ];
    }),
  );
}

function flood({ floods }: Measured): string {
  return table(
    "enqueue → callback, events made on one CPU, decoded on the other",
    ["made", "decoded", "lost", "CPU µs/event"],
    floods.map(({ perSecond, observed, decoded, readerCpuSeconds }) => [
      `${whole(perSecond)} events/s`,
      whole(observed),
      whole(decoded),
      whole(observed - decoded),
      short((readerCpuSeconds * 1e6) / decoded),
    ]),
  );
}
