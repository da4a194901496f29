import type { Child } from "../../e2e/support/child.ts";
import type { Network } from "../../e2e/support/network.ts";
import type { Action } from "../../otel/support/scripted-collector.ts";
import { program } from "./own.ts";

interface Report {
  port: number;
  requests: number;
  /** Spans that it acknowledged, and those that it rejected in a partial success. */
  taken: number;
  rejected: number;
  /** Of the conventions, by the spans that came. */
  violations: string[];
}

/** A collector that does what the test says. It takes everything until told otherwise. */
export class Collector {
  readonly #process: Child;
  readonly #reports: Report[] = [];

  private constructor(network: Network, port: number) {
    this.#process = program(network, "collector", [String(port)], (line) => this.#reports.push(JSON.parse(line)));
  }

  static async start(network: Network, port = 0): Promise<Collector> {
    const collector = new Collector(network, port);
    await collector.#process.until(() => collector.#reports.length > 0);
    return collector;
  }

  get port(): number {
    return this.#reports[0]?.port ?? 0;
  }

  /** What it does with every further request. */
  async will(action: Action): Promise<void> {
    await this.#ask(JSON.stringify(action));
  }

  report(): Promise<Report> {
    return this.#ask("report");
  }

  /** At once, in the middle of whatever it does. */
  async die(): Promise<void> {
    await this.#process.stop("SIGKILL");
  }

  async #ask(line: string): Promise<Report> {
    const before = this.#reports.length;
    this.#process.say(line);
    await this.#process.until(() => this.#reports.length > before);
    const report = this.#reports[before] as Report;
    if (report.violations.length > 0) throw new Error(`spans break the conventions:\n${report.violations.join("\n")}`);
    return report;
  }
}
