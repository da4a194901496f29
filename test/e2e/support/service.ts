import type { PartialReceipt, Stats } from "../../../server/schema.ts";
import { type Attach, attachFlags } from "./attach.ts";
import { type BpfIds, bpfIds } from "./bpf-ids.ts";
import type { Child } from "./child.ts";
import type { Network } from "./network.ts";
import { Subscriber } from "./subscriber.ts";

export const CLI = new URL("../../../server/cli.ts", import.meta.url).pathname;

/** Nothing is exported unless a test is about that. */
export const NO_SPANS = { OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" };

interface ServiceOptions {
  flags?: readonly string[];
  env?: Record<string, string>;
  attach?: Attach;
  /** That runs it, as its last arguments. */
  command?: readonly string[];
}

/** `kernelcast serve` as a user runs it, in a network of its own. */
export class Service {
  readonly network: Network;
  readonly process: Child;
  readonly url: string;

  private constructor(network: Network, process: Child, url: string) {
    this.network = network;
    this.process = process;
    this.url = url;
  }

  /** Resolves when it says that it watches. */
  static async start(
    network: Network,
    { flags = [], env = NO_SPANS, attach, command = [] }: ServiceOptions = {},
  ): Promise<Service> {
    const all = ["--port=0", ...attachFlags(attach), ...flags];
    const child = network.start([...command, process.execPath, CLI, "serve", ...all], env);
    const [, url = ""] = await child.match(/page +(http:\/\/\S+:\d+)\/\n/);
    return new Service(network, child, url);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** What the process holds of the kernel's programs, maps and links. */
  ids(): BpfIds {
    return bpfIds(this.process.pid);
  }

  async get(path: string): Promise<string> {
    return this.network.output("curl", "--silent", "--show-error", "--fail-with-body", this.url + path);
  }

  /** `POST /sync`. */
  async sync(query = ""): Promise<PartialReceipt> {
    const text = await this.network.output(
      "curl",
      "--silent",
      "--show-error",
      "-X",
      "POST",
      `${this.url}/sync${query}`,
    );
    return JSON.parse(text) as PartialReceipt;
  }

  async stats(): Promise<Stats> {
    return JSON.parse(await this.get("/stats")) as Stats;
  }

  /** Asks again until the answer satisfies. */
  async statsWhen(condition: (stats: Stats) => boolean): Promise<Stats> {
    for (;;) {
      const stats = await this.stats();
      if (condition(stats)) return stats;
    }
  }

  /** query: with its `?`. */
  subscribe(query?: string): Promise<Subscriber> {
    return Subscriber.start(this.network, this.url, query);
  }

  /** @returns the exit code */
  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    return this.process.stop(signal);
  }
}
