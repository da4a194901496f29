import type { Child } from "../../e2e/support/child.ts";
import type { Network } from "../../e2e/support/network.ts";
import type { Step } from "../../e2e/support/wire.ts";
import { program } from "./own.ts";

/** A connection whose both ends do what the test says, when it says so. */
export class Talk {
  readonly clientPort: number;
  readonly serverPort: number;
  readonly #process: Child;
  readonly #count: () => number;
  #steps = 0;

  private constructor(process: Child, count: () => number, ports: { clientPort: number; serverPort: number }) {
    this.#process = process;
    this.#count = count;
    this.clientPort = ports.clientPort;
    this.serverPort = ports.serverPort;
  }

  static async open(network: Network, host = "127.0.0.1"): Promise<Talk> {
    const lines: string[] = [];
    const process = program(network, "talk", [host], (line) => lines.push(line));
    await process.until(() => lines.length > 0);
    return new Talk(process, () => lines.length - 1, JSON.parse(lines[0] as string));
  }

  /** Plays these steps. Resolves when the other end has seen the last. */
  async play(...steps: Step[]): Promise<void> {
    for (const step of steps) {
      this.#process.say(JSON.stringify(step));
      this.#steps++;
      await this.#process.until(() => this.#count() >= this.#steps);
    }
  }

  /** A request that is answered. */
  async exchange(path: string): Promise<void> {
    await this.play(Talk.request(path), Talk.response(path));
  }

  static request(path: string): Step {
    return ["client", `GET ${path} HTTP/1.1\r\nHost: talk\r\n\r\n`];
  }

  /** Its length differs from path to path. */
  static response(path: string): Step {
    return ["server", `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`];
  }
}
