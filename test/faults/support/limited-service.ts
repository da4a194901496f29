import type { PartialReceipt, Stats } from "../../../server/schema.ts";
import type { Child } from "../../e2e/support/child.ts";
import type { Network } from "../../e2e/support/network.ts";
import { CLI } from "../../e2e/support/service.ts";
import type { MemoryCgroup } from "./cgroup.ts";

/** `kernelcast serve` in a cgroup: `Service` of test/e2e starts it where the tests are. */
export class LimitedService {
  readonly process: Child;
  readonly url: string;
  readonly #network: Network;

  private constructor(network: Network, process: Child, url: string) {
    this.#network = network;
    this.process = process;
    this.url = url;
  }

  static async start(network: Network, cgroup: MemoryCgroup, env: Record<string, string>): Promise<LimitedService> {
    const child = network.start(cgroup.inside([process.execPath, CLI, "serve", "--port=0"]), env);
    const [, url = ""] = await child.match(/page +(http:\/\/\S+:\d+)\/\n/);
    return new LimitedService(network, child, url);
  }

  async sync(): Promise<PartialReceipt> {
    return JSON.parse(await this.#network.output("curl", "--silent", "-X", "POST", `${this.url}/sync`));
  }

  async stats(): Promise<Stats> {
    return JSON.parse(await this.#network.output("curl", "--silent", "--fail", `${this.url}/stats`));
  }
}
