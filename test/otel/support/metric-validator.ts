/**
 * Holds a metric as a collector received it against the conventions, as `validator.ts` does a span.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-metrics.md
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/opentelemetry/proto/metrics/v1/metrics.proto
 */
import type { ReceivedMetric, ReceivedPoint } from "./otlp-metrics.ts";

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const SERVER = { required: ["http.request.method", "url.scheme"], allowed: ["http.route"] };
const CLIENT = {
  required: ["http.request.method", "server.address", "server.port"],
  allowed: ["url.template", "url.scheme"],
};
const EITHER = [
  "error.type",
  "http.response.status_code",
  "network.protocol.name",
  "network.protocol.version",
  "server.address",
  "server.port",
];
const OVERFLOW = "otel.metric.overflow";
/** The default limit, and the series beyond it. */
const SERIES_MAX = 2001;

interface HttpRule {
  unit: string;
  bounds: readonly number[] | undefined;
  attributes: { required: string[]; allowed: string[] };
}

const HTTP_RULES: Readonly<Record<string, HttpRule>> = Object.fromEntries(
  (["server", "client"] as const).flatMap((side) => {
    const attributes = side === "server" ? SERVER : CLIENT;
    return [
      [`http.${side}.request.duration`, { unit: "s", bounds: SECONDS, attributes }],
      [`http.${side}.request.body.size`, { unit: "By", bounds: undefined, attributes }],
      [`http.${side}.response.body.size`, { unit: "By", bounds: undefined, attributes }],
    ];
  }),
);

type Must = (holds: boolean, rule: string) => void;

/** Every way in which the metric breaks the rules. */
function metricViolations(metric: ReceivedMetric): string[] {
  const found: string[] = [];
  const must: Must = (holds, rule) => {
    if (!holds) found.push(`${metric.name}: ${rule}`);
  };
  must(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/.test(metric.name), "its name is in lower case, with dots between");
  must(!/\.(total|count)$/.test(metric.name), "its name does not say that it is counted");
  must(metric.description !== "", "it has a description");
  must(metric.scope.name !== "", "its scope has a name");
  must(metric.temporality === (metric.type === "gauge" ? 0 : metric.temporality & 3), "a gauge has no temporality");
  must(metric.type === "gauge" || metric.temporality > 0, "a sum or histogram has a temporality");
  const rule = HTTP_RULES[metric.name];
  must(rule !== undefined || !metric.name.startsWith("http."), "it is a metric of the conventions");
  if (rule !== undefined) checkHttp(metric, rule, must);
  const series = metric.points.map(({ attributes }) => JSON.stringify(Object.entries(attributes).sort()));
  must(series.length > 0, "it has a point");
  must(series.length <= SERIES_MAX, `it has at most ${SERIES_MAX} series, not ${series.length}`);
  must(new Set(series).size === series.length, "no two points have the same attributes");
  for (const point of metric.points) checkPoint(metric, point, must);
  return found;
}

function checkHttp(metric: ReceivedMetric, { unit, bounds, attributes }: HttpRule, must: Must): void {
  must(metric.type === "histogram", "it is a histogram");
  must(metric.unit === unit, `its unit is ${unit}`);
  must(
    /^https:\/\/opentelemetry\.io\/schemas\/1\.\d+\.\d+$/.test(metric.scope.schemaUrl),
    "its scope has a schema URL",
  );
  for (const point of metric.points) {
    if (bounds !== undefined)
      must(Bun.deepEquals(point.explicitBounds, bounds), "its bounds are those of the conventions");
    if (OVERFLOW in point.attributes) {
      must(Bun.deepEquals(point.attributes, { [OVERFLOW]: true }), "the overflow series has no other attribute");
      continue;
    }
    const allowed = [...attributes.required, ...attributes.allowed, ...EITHER];
    for (const name of attributes.required) must(name in point.attributes, `${name} is required`);
    for (const name of Object.keys(point.attributes)) must(allowed.includes(name), `${name} is an attribute of it`);
    const status = Number(point.attributes["http.response.status_code"] ?? 0);
    const isError = status >= (metric.name.startsWith("http.client") ? 400 : 500);
    if (isError) must(point.attributes["error.type"] === String(status), `${status} is an error of that type`);
  }
}

function checkPoint(metric: ReceivedMetric, point: ReceivedPoint, must: Must): void {
  must(point.timeUnixNano > 0n, "a point has a time");
  if (metric.type !== "gauge") must(point.startTimeUnixNano > 0n, "a sum has a start");
  must(point.startTimeUnixNano <= point.timeUnixNano, "its start is not after its time");
  if (metric.type === "sum" && metric.isMonotonic) must((point.value ?? -1) >= 0, "what only rises is not below zero");
  if (metric.type !== "histogram") return;
  const { bucketCounts = [], explicitBounds = [], count = -1, sum = -1, min, max } = point;
  must(bucketCounts.reduce((all, one) => all + one, 0) === count || bucketCounts.length === 0, "its buckets add up");
  must(
    bucketCounts.length === 0 || bucketCounts.length === explicitBounds.length + 1,
    "it has a bucket more than bounds",
  );
  must(
    explicitBounds.every((bound, i) => i === 0 || bound > (explicitBounds[i - 1] ?? 0)),
    "its bounds rise",
  );
  if (min !== undefined && max !== undefined && count > 0) {
    const slack = 1e-9 * Math.max(1, Math.abs(sum));
    must(min <= max && sum + slack >= min * count && sum - slack <= max * count, "its sum lies between its extremes");
  }
  for (const { value, timeUnixNano, traceId, spanId } of point.exemplars) {
    must(/^(?!0{32})[\da-f]{32}$/.test(traceId) && /^(?!0{16})[\da-f]{16}$/.test(spanId), "an exemplar has a span");
    must(timeUnixNano > 0n, "an exemplar has a time");
    const bucket = explicitBounds.findIndex((bound) => value <= bound);
    must(
      (bucketCounts[bucket === -1 ? explicitBounds.length : bucket] ?? 0) > 0,
      "an exemplar is in a bucket that has some",
    );
  }
}

export { metricViolations };
