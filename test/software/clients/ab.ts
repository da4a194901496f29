import { type Client, expectSummary } from "./client.ts";

/** ApacheBench, in HTTP/1.0; without `-k` each request has a connection of its own. */
export const ab =
  (...flags: "-k"[]): Client =>
  async (network, origin, { connections, requests }) => {
    const sizes = ["-n", String(requests), "-c", String(connections)];
    const text = await network.output("ab", "-q", "-d", "-S", ...flags, ...sizes, `${origin}/small/ab?echo=more`);
    expectSummary(text, new RegExp(`^Complete requests: +${requests}$`, "m"), /^Failed requests: +0$/m);
  };
