/**
 * Kernelcast's own numbers as metrics: what `/stats` says, under stable names, for `/metrics` and for OTLP alike.
 * @module
 */

import type { FlowLedger } from "./flow.ts";
import type { Metric, Sample } from "./prometheus.ts";
import type { Stats } from "./schema.ts";

type Counts = Readonly<Record<string, number | undefined>>;

const metric =
  (type: Metric["type"]) =>
  (name: string, unit: string, help: string, samples: readonly Sample[]): Metric => ({
    name: `kernelcast.${name}`,
    unit,
    type,
    help,
    samples,
  });
const counter = metric("counter");
const gauge = metric("gauge");

/** UCUM annotations: what is counted, of no unit. */
const [EVENTS, PACKETS, MESSAGES, CONNECTIONS, SUBSCRIBERS, SUBSCRIPTIONS, SPANS] = [
  "{event}",
  "{packet}",
  "{message}",
  "{connection}",
  "{subscriber}",
  "{subscription}",
  "{span}",
];
const BYTES = "By";
const SECONDS = "s";
const NONE = "";
const NANOS_PER_SECOND = 1e9;

const one = (value: number): Sample[] => [[{}, value]];

const byReason = (labels: Record<string, string>, counts: Counts): Sample[] =>
  Object.entries(counts).map(([reason, count]) => [{ ...labels, reason }, count ?? 0]);

const protocolMetrics = ({ protocols, cpus }: Stats): Metric[] => {
  const all = Object.entries(protocols);
  const perCpu = cpus.flatMap(({ cpu, protocols }) =>
    Object.entries(protocols).map(([protocol, ledger]) => ({ labels: { protocol, cpu: String(cpu) }, ledger })),
  );
  return [
    counter(
      "events.observed",
      EVENTS,
      "Transactions that ended, as the kernel programs saw them.",
      all.map(([protocol, ledger]) => [{ protocol }, ledger.observed]),
    ),
    counter(
      "events.enqueued",
      EVENTS,
      "Events put into a kernel page.",
      all.map(([protocol, ledger]) => [{ protocol }, ledger.enqueued]),
    ),
    counter(
      "events.filtered",
      EVENTS,
      "Events left out in the kernel because nobody would take them.",
      all.map(([protocol, ledger]) => [{ protocol }, ledger.filtered ?? 0]),
    ),
    counter(
      "events.delivered",
      EVENTS,
      "Events handed to every sink.",
      all.map(([protocol, ledger]) => [{ protocol }, ledger.delivered]),
    ),
    gauge(
      "events.pending",
      EVENTS,
      "Events between the kernel's pages and the sinks.",
      all.map(([protocol, ledger]) => [{ protocol }, ledger.pending]),
    ),
    counter(
      "events.dropped",
      EVENTS,
      "Events lost in the kernel, by reason.",
      all.flatMap(([protocol, ledger]) => byReason({ protocol }, ledger.dropped)),
    ),
    counter(
      "cpu.events.observed",
      EVENTS,
      "Transactions that ended, by CPU.",
      perCpu.map(({ labels, ledger }) => [labels, ledger.observed]),
    ),
    counter(
      "cpu.events.dropped",
      EVENTS,
      "Events lost in the kernel, by CPU and reason.",
      perCpu.flatMap(({ labels, ledger }) => byReason(labels, ledger.dropped)),
    ),
  ];
};

const followingMetrics = ({ following }: Stats): Metric[] => {
  const all = Object.entries(following);
  return [
    gauge(
      "connections",
      CONNECTIONS,
      "Connections that the kernel programs remember.",
      all.map(([protocol, { connections }]) => [{ protocol }, connections]),
    ),
    counter(
      "gaps",
      "{gap}",
      "Places where bytes were needed to follow a message and never seen.",
      all.map(([protocol, { gaps }]) => [{ protocol }, gaps]),
    ),
    counter(
      "packets.unread",
      PACKETS,
      "Packets not read, because another CPU was busy with their connection.",
      all.map(([protocol, { unread }]) => [{ protocol }, unread]),
    ),
    counter(
      "messages.refused",
      MESSAGES,
      "Messages that were given up, by reason.",
      all.flatMap(([protocol, { refused }]) => byReason({ protocol }, refused)),
    ),
  ];
};

const subscriberMetrics = ({ subscribers }: Stats): Metric[] => {
  const total: FlowLedger = subscribers.total;
  return [
    gauge("subscribers", SUBSCRIBERS, "Subscribers present.", one(subscribers.connected)),
    gauge("subscribers_limit", SUBSCRIBERS, "Subscribers accepted at once.", one(subscribers.subscriberMax)),
    counter("subscriptions.accepted", SUBSCRIPTIONS, "Subscriptions begun.", one(subscribers.accepted)),
    counter(
      "subscriptions.refused",
      SUBSCRIPTIONS,
      "Subscriptions refused because there were too many.",
      one(subscribers.refused),
    ),
    counter("subscriber.events.delivered", EVENTS, "Events offered to subscribers, each counted once per subscriber.", [
      ...one(total.delivered),
    ]),
    counter("subscriber.events.sent", EVENTS, "Events taken by the subscribers' transports.", one(total.sent)),
    counter("subscriber.events.filtered", EVENTS, "Events not wanted by a subscription.", one(total.filtered)),
    counter(
      "subscriber.events.dropped",
      EVENTS,
      "Events that a subscriber lost, by reason.",
      byReason({}, total.dropped),
    ),
    gauge("subscriber.events.queued", EVENTS, "Events waiting for a subscriber to read.", one(total.queued)),
    gauge("subscriber.queue", BYTES, "Bytes of all frames that wait, each counted once.", one(subscribers.queuedBytes)),
  ];
};

const spanMetrics = ({ spans }: Stats): Metric[] =>
  spans === undefined
    ? []
    : [
        counter("spans.delivered", SPANS, "Events handed to the span sink.", one(spans.delivered)),
        counter("spans.accepted", SPANS, "Spans taken into the export queue.", one(spans.accepted)),
        counter("spans.exported", SPANS, "Spans acknowledged by the collector.", one(spans.exported)),
        counter("spans.rejected", SPANS, "Spans refused by the collector in a partial success.", one(spans.rejected)),
        counter("spans.not_sampled", SPANS, "Events left out by sampling.", one(spans.notSampled)),
        counter("spans.dropped", SPANS, "Spans lost, by reason.", byReason({}, spans.dropped)),
        gauge("spans.queued", SPANS, "Spans in the queue or in flight.", one(spans.queued)),
      ];

/** What the kernel programs cost; stands still unless kernel.bpf_stats_enabled is on. */
const programMetrics = ({ programs = [] }: Stats): Metric[] => [
  counter(
    "bpf.program.runs",
    "{run}",
    "Runs of the kernel programs.",
    programs.map(({ name, runs }) => [{ program: name }, runs]),
  ),
  counter(
    "bpf.program.run_time",
    SECONDS,
    "Time that the kernel programs ran.",
    programs.map(({ name, runNanos }) => [{ program: name }, runNanos / NANOS_PER_SECOND]),
  ),
];

const ringMetrics = ({ ring }: Stats): Metric[] => [
  gauge("ring.usage", BYTES, "Events on their way to JavaScript.", ring === undefined ? [] : one(ring.usedBytes)),
  gauge("ring.limit", BYTES, "What the ring to JavaScript holds.", ring === undefined ? [] : one(ring.sizeBytes)),
];

/** The same metrics at every call, with the samples of the moment. @param stats as `/stats` answers; @param rssBytes resident memory of the process */
const ledgerMetrics = (stats: Stats, rssBytes: number): Metric[] => [
  gauge("build.info", NONE, "Always 1; the version is in the label.", [[{ version: stats.version }, 1]]),
  gauge("capture.running", NONE, "1 when the programs are attached and the reader runs.", one(stats.running ? 1 : 0)),
  gauge("ledger.balanced", NONE, "1 when every identity of the ledger holds.", one(stats.balanced ? 1 : 0)),
  ...protocolMetrics(stats),
  ...followingMetrics(stats),
  counter(
    "reader.events",
    EVENTS,
    "Counters of the reader, by name.",
    Object.entries(stats.reader).map(([name, count]) => [{ name }, count]),
  ),
  ...ringMetrics(stats),
  ...programMetrics(stats),
  ...subscriberMetrics(stats),
  ...spanMetrics(stats),
  {
    name: "process.memory.usage",
    unit: BYTES,
    type: "gauge",
    help: "Resident memory of the process.",
    samples: one(rssBytes),
  },
];

export { ledgerMetrics };
