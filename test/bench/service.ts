import { join } from "node:path";
import type { Subprocess } from "bun";
import type { PartialReceipt } from "../../server/schema.ts";
import { end, firstMatch, start } from "./children.ts";
import { cpuSeconds, type Memory, memory } from "./process-usage.ts";

const CLI = join(import.meta.dir, "../../server/cli.ts");
/** What `--attach` takes, but for the choice between them. */
export const ATTACH = ["socket", "cgroup"] as const;
/** The default settings, whatever this shell has set; spans have a cost of their own. */
const SETTINGS = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => /^(OTEL|KERNELCAST)_/.test(name))
    .map((name) => [name, undefined]),
);

/** What a `POST /sync` brought, and how long its caller waited. */
export interface Synced {
  receipt: PartialReceipt;
  millis: number;
}

/** The real service, as its command line starts it. */
export class Service {
  readonly #child: Subprocess;
  readonly url: string;

  private constructor(child: Subprocess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /**
   * @param collectorUrl where spans go; without it there are none
   * @param settings of its command line
   */
  static async start(collectorUrl?: string, settings: readonly string[] = []): Promise<Service> {
    const command = [process.execPath, "--no-env-file", CLI, "serve", "--port", "0", ...settings];
    const spans = collectorUrl ? { OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl } : { OTEL_TRACES_EXPORTER: "none" };
    const child = start(command, { env: { ...SETTINGS, ...spans, OTEL_METRICS_EXPORTER: "none" } });
    const subscribe = await firstMatch(child, /ws:(\/\/\S+)\/ws/);
    return new Service(child, `http:${subscribe}`);
  }

  get pid(): number {
    return this.#child.pid;
  }

  async sync(): Promise<Synced> {
    const began = performance.now();
    const response = await fetch(`${this.url}/sync`, { method: "POST" });
    const text = await response.text();
    const millis = performance.now() - began;
    if (!response.ok) throw new Error(`POST /sync: ${response.status} ${text}`);
    return { receipt: JSON.parse(text), millis };
  }

  cpuSeconds(): number {
    return cpuSeconds(this.pid);
  }

  memory(): Memory {
    return memory(this.pid);
  }

  async stop(): Promise<void> {
    await end(this.#child);
  }
}
