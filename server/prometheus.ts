/**
 * Metrics as Prometheus reads them: its own text format, and OpenMetrics, which alone has exemplars.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 * https://prometheus.io/docs/specs/om/open_metrics_spec/
 * Names are made of OpenTelemetry's:
 * https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus
 * @module
 */

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

interface Metric {
  /** OpenTelemetry's: dots, no unit, no `_total`. */
  name: string;
  /** UCUM: `s`, `By`, an annotation such as `{event}`, or nothing. */
  unit: string;
  type: "counter" | "gauge";
  help: string;
  samples: readonly Sample[];
}

/** A metric whose every series is a histogram. Structural, so that `server/` knows nothing of `otel/`. */
interface HistogramFamily {
  instrument: { name: string; description: string; unit: string; bounds: readonly number[] };
  points: readonly {
    attributes: Readonly<Record<string, unknown>>;
    /** One more than there are bounds, each of its own bucket only. */
    counts: readonly number[];
    count: number;
    sum: number;
    exemplars: readonly Exemplar[];
  }[];
}

interface Exemplar {
  value: number;
  /** Seconds since the Unix epoch, and nanoseconds. */
  time: readonly [number, number];
  traceId: string;
  spanId: string;
}

type Format = "text" | "openmetrics";

const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** Words for the units that occur; annotations in braces have none. */
const UNITS = new Map([
  ["s", "seconds"],
  ["By", "bytes"],
]);

const escapeHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

const formatValue = (value: number): string => {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
};

const formatLabels = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
};

const identifier = (name: string): string => name.replace(/[^A-Za-z0-9_:]/g, "_");

/** `http.server.request.duration` in seconds is `http_server_request_duration_seconds`. */
const metricName = (name: string, unit: string): string => [identifier(name), UNITS.get(unit) ?? []].flat().join("_");

/** OpenMetrics escapes quotes here too. */
const header = (name: string, type: string, help: string, format: Format): string =>
  `# HELP ${name} ${format === "text" ? escapeHelp(help) : escapeLabel(help)}\n# TYPE ${name} ${type}\n`;

const formatMetric = ({ name, unit, type, help, samples }: Metric, format: Format): string => {
  if (samples.length === 0) return "";
  const family = metricName(name, unit);
  const sample = type === "counter" ? `${family}_total` : family;
  const lines = samples.map(([labels, value]) => `${sample}${formatLabels(labels)} ${formatValue(value)}\n`);
  return header(format === "text" ? sample : family, type, help, format) + lines.join("");
};

/** OpenMetrics wants a decimal point in the bound of a bucket. */
const formatBound = (bound: number, format: Format): string =>
  format === "openmetrics" && Number.isInteger(bound) ? `${bound}.0` : formatValue(bound);

const formatExemplar = (exemplar: Exemplar | undefined, format: Format): string => {
  if (exemplar === undefined || format === "text") return "";
  const { value, time, traceId, spanId } = exemplar;
  const seconds = `${time[0]}.${String(time[1]).padStart(9, "0")}`;
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${value} ${seconds}`;
};

const formatHistogram = ({ instrument, points }: HistogramFamily, format: Format): string => {
  const family = metricName(instrument.name, instrument.unit);
  const bounds = [...instrument.bounds, Number.POSITIVE_INFINITY];
  const lines = points.map(({ attributes, counts, count, sum, exemplars }) => {
    const labels = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [identifier(name), String(value)]),
    );
    let below = 0;
    const buckets = bounds.map((bound, index) => {
      below += counts[index] ?? 0;
      const inBucket = (value: number) => value <= bound && value > (bounds[index - 1] ?? Number.NEGATIVE_INFINITY);
      const exemplar = exemplars.find(({ value }) => inBucket(value));
      const le = { ...labels, le: formatBound(bound, format) };
      return `${family}_bucket${formatLabels(le)} ${below}${formatExemplar(exemplar, format)}\n`;
    });
    const all = formatLabels(labels);
    return `${buckets.join("")}${family}_sum${all} ${formatValue(sum)}\n${family}_count${all} ${count}\n`;
  });
  return header(family, "histogram", instrument.description, format) + lines.join("");
};

/** A metric without samples is left out. */
const formatMetrics = (
  metrics: readonly Metric[],
  histograms: readonly HistogramFamily[] = [],
  format: Format = "text",
): string =>
  [
    ...metrics.map((metric) => formatMetric(metric, format)),
    ...histograms.map((histogram) => formatHistogram(histogram, format)),
    format === "openmetrics" ? "# EOF\n" : "",
  ].join("");

/** By what the scraper accepts. */
const chooseFormat = (accept: string | undefined): Format =>
  accept?.includes("application/openmetrics-text") ? "openmetrics" : "text";

export type { Format, HistogramFamily, Labels, Metric, Sample };
export { CONTENT_TYPES, chooseFormat, formatMetrics };
