import { expect } from "bun:test";
import type { PartialReceipt, Stats } from "../../../server/schema.ts";
import type { Child } from "../../e2e/support/child.ts";
import type { Network } from "../../e2e/support/network.ts";
import { startNginx } from "../../e2e/support/nginx.ts";
import type { Service } from "../../e2e/support/service.ts";
import type { Counter } from "../../e2e/support/subscriber.ts";
import { sumOf } from "./ledger.ts";

export const PORT = 8080;
const STATUS_PORT = 8081;

const HTTP = `
keepalive_requests 100000000;
server { listen 127.0.0.1:${PORT} backlog=4096; location / { return 200 "hello"; } }
server { listen 127.0.0.1:${STATUS_PORT}; location / { stub_status; } }`;

/** nginx, which counts by itself what it served. */
export class Server {
  readonly url = `http://127.0.0.1:${PORT}`;
  readonly process: Child;
  readonly #network: Network;
  #questions = 0;

  private constructor(network: Network, process: Child) {
    this.process = process;
    this.#network = network;
  }

  static async start(network: Network): Promise<Server> {
    return new Server(network, await startNginx(network, HTTP));
  }

  /** Requests read so far on {@link PORT}. */
  async requests(): Promise<number> {
    const text = await this.#network.output("curl", "--silent", `http://127.0.0.1:${STATUS_PORT}/`);
    // It counts each question, too.
    this.#questions++;
    return Number(text.match(/requests\n \d+ \d+ (\d+)/)?.[1]) - this.#questions;
  }

  /** How often {@link requests} was asked, each time on a connection of its own that Kernelcast sees as well. */
  get questions(): number {
    return this.#questions;
  }
}

interface Wrk {
  seconds: number;
  connections: number;
}

/** wrk at full speed, under way. */
export function startWrk(network: Network, { seconds, connections }: Wrk): Child {
  const sizes = ["--threads=1", `--connections=${connections}`, `--duration=${seconds}s`];
  return network.start(["wrk", ...sizes, `http://127.0.0.1:${PORT}/`]);
}

/** wrk to its end, without an error of its own. */
export async function runWrk(network: Network, options: Wrk): Promise<void> {
  const { stdout } = await startWrk(network, options).outcome();
  expect(stdout.match(/Socket errors.*|Non-2xx.*/)?.[0]).toBeUndefined();
}

/** wrk, again and again, until what the service says satisfies. */
export async function runWrkUntil(
  network: Network,
  service: Pick<Service, "stats">,
  options: Wrk,
  condition: (stats: Stats) => boolean,
): Promise<void> {
  do await runWrk(network, options);
  while (!condition(await service.stats()));
}

export interface Accounts {
  receipt: PartialReceipt;
  stats: Stats;
  served: number;
}

/**
 * Everything that nginx served was delivered to the subscriber, or dropped under a reason; and nothing else was. wrk leaves
 * a request behind on each connection when it ends, which nginx then may or may not have read: these have no status.
 */
export async function expectAllAccounted(
  service: Pick<Service, "sync" | "stats">,
  server: Server,
  counter: Counter,
): Promise<Accounts> {
  const served = await server.requests();
  const receipt = await service.sync();
  const report = await counter.report(receipt.id);
  const stats = await service.stats();
  const { events = 0, answered = 0 } = report.ports[PORT] ?? {};
  const unanswered = events - answered;
  const questions = report.ports[STATUS_PORT]?.events ?? 0;
  const dropped = sumOf(receipt.protocols.http?.dropped ?? {}) - (server.questions - questions);
  expect({ gaps: report.gaps, disorder: report.disorder }).toEqual({ gaps: [], disorder: 0 });
  expect(served).toBeGreaterThan(0);
  expect(events + dropped - served).toBeWithin(0, unanswered + 1);
  expect(stats.protocols.http).toMatchObject({ delivered: events + questions, pending: 0 });
  return { receipt, stats, served };
}
