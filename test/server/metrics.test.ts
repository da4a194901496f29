import { expect, test } from "bun:test";
import { Hub } from "../../server/hub.ts";
import { ledgerMetrics } from "../../server/metrics.ts";
import { chooseFormat, formatMetrics, type HistogramFamily, type Metric } from "../../server/prometheus.ts";
import { readStats } from "../../server/stats.ts";
import { FakeCapture, FakeTransport, httpEvents, noSpans } from "./fake.ts";

const metric = (change: Partial<Metric>): Metric => ({
  name: "m",
  unit: "",
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
  ["dots", { name: "a.b_c.d" }, "# HELP a_b_c_d h\n# TYPE a_b_c_d gauge\na_b_c_d 1\n"],
  ["a counter", { type: "counter" }, "# HELP m_total h\n# TYPE m_total counter\nm_total 1\n"],
  ["seconds", { unit: "s" }, "# HELP m_seconds h\n# TYPE m_seconds gauge\nm_seconds 1\n"],
  [
    "a counter of bytes",
    { unit: "By", type: "counter" },
    "# HELP m_bytes_total h\n# TYPE m_bytes_total counter\nm_bytes_total 1\n",
  ],
  ["what is counted", { unit: "{event}" }, "# HELP m h\n# TYPE m gauge\nm 1\n"],
];
test.each(formats)("%s is written as the exposition format asks", (_, change, expected) => {
  expect(formatMetrics([metric(change)])).toBe(expected);
});

const DURATION: HistogramFamily = {
  instrument: { name: "http.server.request.duration", description: "Duration.", unit: "s", bounds: [0.5, 1] },
  points: [
    {
      attributes: { "http.request.method": "GET", "http.response.status_code": 200 },
      counts: [3, 0, 2],
      count: 5,
      sum: 4.25,
      exemplars: [{ value: 2, time: [1_790_000_000, 5], traceId: "ab", spanId: "cd" }],
    },
  ],
};

test("a histogram has cumulative buckets, the last without bound, and its sum and count", () => {
  const labels = 'http_request_method="GET",http_response_status_code="200"';
  const name = "http_server_request_duration_seconds";
  expect(formatMetrics([], [DURATION])).toBe(
    [
      `# HELP ${name} Duration.`,
      `# TYPE ${name} histogram`,
      `${name}_bucket{${labels},le="0.5"} 3`,
      `${name}_bucket{${labels},le="1"} 3`,
      `${name}_bucket{${labels},le="+Inf"} 5`,
      `${name}_sum{${labels}} 4.25`,
      `${name}_count{${labels}} 5`,
      "",
    ].join("\n"),
  );
});

test("OpenMetrics names the family of a counter, has exemplars in their buckets, bounds with a point, and an end", () => {
  const lines = formatMetrics([metric({ name: "c", type: "counter", help: 'h"' })], [DURATION], "openmetrics").split(
    "\n",
  );
  expect(lines.slice(0, 3)).toEqual(['# HELP c h\\"', "# TYPE c counter", "c_total 1"]);
  expect(lines.filter((line) => line.includes("_bucket")).map((line) => line.slice(line.indexOf("le=")))).toEqual([
    'le="0.5"} 3',
    'le="1.0"} 3',
    'le="+Inf"} 5 # {trace_id="ab",span_id="cd"} 2 1790000000.000000005',
  ]);
  expect(lines.slice(-2)).toEqual(["# EOF", ""]);
});

test.each([
  [undefined, "text"],
  ["*/*", "text"],
  ["text/plain;version=0.0.4", "text"],
  [
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5",
    "openmetrics",
  ],
])("who accepts %p gets %s", (accept, format) => {
  expect(chooseFormat(accept)).toBe(format as "text");
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
    "process_memory_usage_bytes 1000",
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
