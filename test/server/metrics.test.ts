import { expect, test } from "bun:test";
import { Hub } from "../../server/hub.ts";
import { ledgerMetrics } from "../../server/metrics.ts";
import { formatMetrics, type Metric } from "../../server/prometheus.ts";
import { readStats } from "../../server/stats.ts";
import { FakeCapture, FakeTransport, httpEvents, noSpans } from "./fake.ts";

const metric = (change: Partial<Metric>): Metric => ({
  name: "m",
  type: "gauge",
  help: "h",
  samples: [[{}, 1]],
  ...change,
});

const formats: [string, Partial<Metric>, string][] = [
  ["a bare sample", {}, "# HELP m h\n# TYPE m gauge\nm 1\n"],
  ["labels", { samples: [[{ a: "1", b: "x" }, 2]] }, '# HELP m h\n# TYPE m gauge\nm{a="1",b="x"} 2\n'],
  [
    "labels that need escaping",
    { samples: [[{ a: 'q"b\\n\nx' }, 0]] },
    '# HELP m h\n# TYPE m gauge\nm{a="q\\"b\\\\n\\nx"} 0\n',
  ],
  ["help that needs escaping", { help: 'a\\b\n"c"' }, '# HELP m a\\\\b\\n"c"\n# TYPE m gauge\nm 1\n'],
  ["infinity", { samples: [[{}, Number.POSITIVE_INFINITY]] }, "# HELP m h\n# TYPE m gauge\nm +Inf\n"],
  ["what is no number", { samples: [[{}, Number.NaN]] }, "# HELP m h\n# TYPE m gauge\nm NaN\n"],
  ["no samples", { samples: [] }, ""],
];
test.each(formats)("%s is written as the exposition format asks", (_, change, expected) => {
  expect(formatMetrics([metric(change)])).toBe(expected);
});

const text = () => {
  const capture = new FakeCapture();
  const hub = new Hub({ queueMax: 2, subscriberMax: 10, version: "1.2.3" });
  const transport = new FakeTransport();
  hub.subscribe(transport, "fake");
  transport.statuses.push(-1);
  for (let seq = 1; seq <= 5; seq++) hub.offer(httpEvents(seq, 1));
  capture.count(5);
  const http = capture.current.protocols.http;
  if (http !== undefined) Object.assign(http, { observed: 7, dropped: { pages_full: 2 } });
  capture.current.following.http = { connections: 3, gaps: 2, unread: 1, refused: { length: 4, chunk: 5 } };
  const spans = {
    stats: () => ({ ...noSpans(), delivered: 5, accepted: 5, exported: 4, queued: 1 }),
    flush: () => Promise.resolve(),
  };
  return formatMetrics(ledgerMetrics(readStats({ capture, hub, spans, version: "1.2.3" }), 1000));
};

test("the ledger is there under documented names", () => {
  const lines = text().split("\n");
  for (const line of [
    'kernelcast_build_info{version="1.2.3"} 1',
    "kernelcast_capture_running 1",
    "kernelcast_ledger_balanced 1",
    'kernelcast_events_observed_total{protocol="http"} 7',
    'kernelcast_events_enqueued_total{protocol="http"} 5',
    'kernelcast_events_delivered_total{protocol="http"} 5',
    'kernelcast_events_pending{protocol="http"} 0',
    'kernelcast_events_dropped_total{protocol="http",reason="pages_full"} 2',
    'kernelcast_cpu_events_observed_total{protocol="http",cpu="0"} 5',
    'kernelcast_connections{protocol="http"} 3',
    'kernelcast_gaps_total{protocol="http"} 2',
    'kernelcast_packets_unread_total{protocol="http"} 1',
    'kernelcast_messages_refused_total{protocol="http",reason="length"} 4',
    'kernelcast_messages_refused_total{protocol="http",reason="chunk"} 5',
    'kernelcast_reader_events_total{name="barriers"} 0',
    "kernelcast_subscribers 1",
    "kernelcast_subscriber_events_delivered_total 5",
    "kernelcast_subscriber_events_sent_total 1",
    'kernelcast_subscriber_events_dropped_total{reason="queue_full"} 2',
    "kernelcast_subscriber_events_queued 2",
    "kernelcast_spans_exported_total 4",
    "kernelcast_spans_queued 1",
    "process_resident_memory_bytes 1000",
  ])
    expect(lines).toContain(line);
});

test("every metric is announced once, before its samples, and counters end in _total", () => {
  const announced = new Map<string, string>();
  for (const line of text().trimEnd().split("\n")) {
    const [, keyword, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === "TYPE" && name !== undefined) {
      expect(announced.has(name)).toBe(false);
      announced.set(name, rest ?? "");
      expect(name.endsWith("_total")).toBe(rest === "counter");
    } else if (keyword === undefined) {
      const sample = /^([a-z_]+)(\{([a-z_]+="[^"]*",?)+\})? [0-9.e+-]+$/.exec(line);
      expect(announced.has(sample?.[1] ?? "")).toBe(true);
    }
  }
  expect(announced.size).toBeGreaterThan(20);
});
