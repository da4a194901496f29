import type { ReceivedSpan } from "../../otel/support/otlp.ts";
import type { Child } from "./child.ts";
import type { Network } from "./network.ts";

/** As the receiver's process prints them. */
type SpanLine = Omit<ReceivedSpan, "startTimeUnixNano" | "endTimeUnixNano"> & {
  startTimeUnixNano: string;
  endTimeUnixNano: string;
};
type Report = { received: number; requests: { path: string; headers: Record<string, string> }[] };

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

  /** What had come when it was asked; `spans` holds at least these. */
  async report(): Promise<Report> {
    const asked = this.#reports.length;
    this.#process.say("report");
    await this.#process.until(() => this.#reports.length > asked);
    return this.#reports[asked] as Report;
  }
}
