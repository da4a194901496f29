import { join } from "node:path";
import { type Client, expectSummary } from "./client.ts";

/** Longer than any test takes: it is ended when all is answered. */
const DURATION = "1h";

/** wrk, with so many numbered requests in one packet. */
export const wrk =
  (together: number): Client =>
  async (network, origin, { connections, requests }) => {
    const script = join(import.meta.dir, "wrk.lua");
    const sizes = ["--threads=1", `--connections=${connections}`, `--duration=${DURATION}`];
    const args = [String(requests), String(together)];
    const child = network.start(["wrk", ...sizes, `--script=${script}`, origin, "--", ...args]);
    await child.match(/^answered$/m);
    await child.stop("SIGINT");
    expectSummary(child.stdout, /^errors 0$/m);
  };
