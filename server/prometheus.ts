/**
 * Prometheus text exposition format 0.0.4.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 * @module
 */

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

interface Metric {
  /** Ends in `_total` for a counter, in the unit before that. */
  name: string;
  type: "counter" | "gauge";
  help: string;
  samples: readonly Sample[];
}

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

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

/** A metric without samples is left out. */
const formatMetrics = (metrics: readonly Metric[]): string =>
  metrics
    .filter((metric) => metric.samples.length > 0)
    .map(
      ({ name, type, help, samples }) =>
        `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n` +
        samples.map(([labels, value]) => `${name}${formatLabels(labels)} ${formatValue(value)}\n`).join(""),
    )
    .join("");

export type { Labels, Metric, Sample };
export { CONTENT_TYPE, formatMetrics };
