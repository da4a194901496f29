import { channel } from "node:diagnostics_channel";
import { MockOtlpServer } from "@elastic/mockotlpserver";
import { metricViolations } from "./metric-validator.ts";
import { type ReceivedSpan, receivedSpans } from "./otlp.ts";
import { type ReceivedMetric, receivedMetrics } from "./otlp-metrics.ts";
import { violations } from "./validator.ts";

/**
 * The receiver hears its own requests over this channel. Bun forgets a channel that nobody holds, with its subscribers,
 * where Node keeps one that has any.
 */
const HELD_CHANNELS = [channel("otlp.v1.trace"), channel("otlp.v1.metrics")];

/** The scope of what is held against the conventions; others may export to the same receiver. */
const KERNELCAST = "kernelcast";

/** Elastic's OTLP receiver: decodes protobuf with OpenTelemetry's own .proto files. An unknown field would pass. */
class Receiver {
  spans: ReceivedSpan[] = [];
  /** In the order in which they came: a later one of the same name is a later reading. */
  metrics: ReceivedMetric[] = [];
  /** Of the conventions, by Kernelcast's spans and metrics so far. */
  violations: string[] = [];
  requests: { path: string; headers: Record<string, string> }[] = [];
  readonly #server = new MockOtlpServer({
    services: ["http"],
    logLevel: "error",
    httpHostname: "127.0.0.1",
    httpPort: 0,
    onTrace: (request) => {
      for (const span of receivedSpans(request)) {
        this.spans.push(span);
        if (span.scope.name === KERNELCAST) this.violations.push(...violations(span));
      }
    },
    onMetrics: (request) => {
      for (const metric of receivedMetrics(request)) {
        this.metrics.push(metric);
        this.violations.push(...metricViolations(metric));
      }
    },
    onRequest: (request) => {
      this.requests.push(request);
    },
  });

  get url(): URL {
    return this.#server.httpUrl;
  }

  async start(): Promise<void> {
    if (HELD_CHANNELS.length === 0) throw new Error("expected the channel to be held");
    await this.#server.start();
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** The last reading of a metric. */
  metric(name: string): ReceivedMetric | undefined {
    return this.metrics.findLast((metric) => metric.name === name);
  }

  /** Forgets what came in so far. */
  clear(): void {
    this.spans = [];
    this.metrics = [];
    this.violations = [];
    this.requests = [];
  }
}

export { Receiver };
