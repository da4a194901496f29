/**
 * The ledger as Prometheus metrics: the counters of `/stats`, under stable names.
 * @module
 */

import type { FlowLedger } from "./flow.ts";
import type { Metric, Sample } from "./prometheus.ts";
import type { Stats } from "./schema.ts";

type Counts = Readonly<Record<string, number | undefined>>;

const counter = (name: string, help: string, samples: readonly Sample[]): Metric => ({
  name: `kernelcast_${name}_total`,
  type: "counter",
  help,
  samples,
});

const gauge = (name: string, help: string, samples: readonly Sample[]): Metric => ({
  name: `kernelcast_${name}`,
  type: "gauge",
  help,
  samples,
});

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
      "events_observed",
      "Transactions that ended, as the kernel programs saw them.",
      all.map(([protocol, ledger]) => [{ protocol }, ledger.observed]),
    ),
    counter(
      "events_enqueued",
      "Events put into a kernel page.",
      all.map(([protocol, ledger]) => [{ protocol }, ledger.enqueued]),
    ),
    counter(
      "events_filtered",
      "Events left out in the kernel because nobody would take them.",
      all.map(([protocol, ledger]) => [{ protocol }, ledger.filtered ?? 0]),
    ),
    counter(
      "events_delivered",
      "Events handed to every sink.",
      all.map(([protocol, ledger]) => [{ protocol }, ledger.delivered]),
    ),
    gauge(
      "events_pending",
      "Events between the kernel's pages and the sinks.",
      all.map(([protocol, ledger]) => [{ protocol }, ledger.pending]),
    ),
    counter(
      "events_dropped",
      "Events lost in the kernel, by reason.",
      all.flatMap(([protocol, ledger]) => byReason({ protocol }, ledger.dropped)),
    ),
    counter(
      "cpu_events_observed",
      "Transactions that ended, by CPU.",
      perCpu.map(({ labels, ledger }) => [labels, ledger.observed]),
    ),
    counter(
      "cpu_events_dropped",
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
      "Connections that the kernel programs remember.",
      all.map(([protocol, { connections }]) => [{ protocol }, connections]),
    ),
    counter(
      "gaps",
      "Places where bytes were needed to follow a message and never seen.",
      all.map(([protocol, { gaps }]) => [{ protocol }, gaps]),
    ),
    counter(
      "packets_unread",
      "Packets not read, because another CPU was busy with their connection.",
      all.map(([protocol, { unread }]) => [{ protocol }, unread]),
    ),
    counter(
      "messages_refused",
      "Messages that were given up, by reason.",
      all.flatMap(([protocol, { refused }]) => byReason({ protocol }, refused)),
    ),
  ];
};

const subscriberMetrics = ({ subscribers }: Stats): Metric[] => {
  const total: FlowLedger = subscribers.total;
  return [
    gauge("subscribers", "Subscribers present.", one(subscribers.connected)),
    gauge("subscribers_limit", "Subscribers accepted at once.", one(subscribers.subscriberMax)),
    counter("subscriptions_accepted", "Subscriptions begun.", one(subscribers.accepted)),
    counter("subscriptions_refused", "Subscriptions refused because there were too many.", one(subscribers.refused)),
    counter("subscriber_events_delivered", "Events offered to subscribers, each counted once per subscriber.", [
      ...one(total.delivered),
    ]),
    counter("subscriber_events_sent", "Events taken by the subscribers' transports.", one(total.sent)),
    counter("subscriber_events_filtered", "Events not wanted by a subscription.", one(total.filtered)),
    counter("subscriber_events_dropped", "Events that a subscriber lost, by reason.", byReason({}, total.dropped)),
    gauge("subscriber_events_queued", "Events waiting for a subscriber to read.", one(total.queued)),
    gauge("subscriber_queue_bytes", "Bytes of all frames that wait, each counted once.", one(subscribers.queuedBytes)),
  ];
};

const spanMetrics = ({ spans }: Stats): Metric[] =>
  spans === undefined
    ? []
    : [
        counter("spans_delivered", "Events handed to the span sink.", one(spans.delivered)),
        counter("spans_accepted", "Spans taken into the export queue.", one(spans.accepted)),
        counter("spans_exported", "Spans acknowledged by the collector.", one(spans.exported)),
        counter("spans_rejected", "Spans refused by the collector in a partial success.", one(spans.rejected)),
        counter("spans_not_sampled", "Events left out by sampling.", one(spans.notSampled)),
        counter("spans_dropped", "Spans lost, by reason.", byReason({}, spans.dropped)),
        gauge("spans_queued", "Spans in the queue or in flight.", one(spans.queued)),
      ];

/** @param stats as `/stats` answers; @param rssBytes resident memory of the process */
const ledgerMetrics = (stats: Stats, rssBytes: number): Metric[] => [
  gauge("build_info", "Always 1; the version is in the label.", [[{ version: stats.version }, 1]]),
  gauge("capture_running", "1 when the programs are attached and the reader runs.", one(stats.running ? 1 : 0)),
  gauge("ledger_balanced", "1 when every identity of the ledger holds.", one(stats.balanced ? 1 : 0)),
  ...protocolMetrics(stats),
  ...followingMetrics(stats),
  counter(
    "reader_events",
    "Counters of the reader, by name.",
    Object.entries(stats.reader).map(([name, count]) => [{ name }, count]),
  ),
  ...subscriberMetrics(stats),
  ...spanMetrics(stats),
  {
    name: "process_resident_memory_bytes",
    type: "gauge",
    help: "Resident memory of the process.",
    samples: one(rssBytes),
  },
];

export { ledgerMetrics };
