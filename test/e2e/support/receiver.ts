import type { ReceivedSpan } from "../../otel/support/otlp.ts";
import type { ReceivedMetric } from "../../otel/support/otlp-metrics.ts";
import type { Child } from "./child.ts";
import type { Network } from "./network.ts";

/** As the receiver's process prints them. */
type SpanLine = Omit<ReceivedSpan, "startTimeUnixNano" | "endTimeUnixNano"> & {
  startTimeUnixNano: string;
  endTimeUnixNano: string;
};
interface Report {
  received: number;
  violations: string[];
  /** The last reading of each, by name; times as strings. */
  metrics: Record<string, ReceivedMetric | undefined>;
  requests: { path: string; headers: Record<string, string> }[];
}

/** Elastic's OTLP receiver, a process of its own in the network of the service. */
export class Collector {
  readonly spans: SpanLine[] = [];
  readonly #process: Child;
  #url = "";
  #reports: Report[] = [];

  private constructor(network: Network) {
    this.#process = network.program("receiver", [], (line) => {
      const value = JSON.parse(line);
      if ("url" in value) this.#url = value.url;
      else if ("received" in value) this.#reports.push(value);
      else this.spans.push(value);
    });
  }

  static async start(network: Network): Promise<Collector> {
    const collector = new Collector(network);
    await collector.#process.until(() => collector.#url !== "");
    return collector;
  }

  get url(): string {
    return this.#url;
  }

  /** What had come when it was asked; `spans` holds at least these. Throws if any of them breaks the conventions. */
  async report(): Promise<Report> {
    const asked = this.#reports.length;
    this.#process.say("report");
    await this.#process.until(() => this.#reports.length > asked);
    const report = this.#reports[asked] as Report;
    if (report.violations.length > 0) throw new Error(`spans break the conventions:\n${report.violations.join("\n")}`);
    return report;
  }
}
