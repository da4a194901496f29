import { type Client, expectSummary } from "./client.ts";

/** h2load in its HTTP/1.1 mode, with as many requests on a connection at once as `pipelined` says. */
export const h2load =
  (pipelined: number): Client =>
  async (network, origin, { connections, requests }) => {
    const sizes = ["-n", String(requests), "-c", String(connections), "-m", String(pipelined)];
    const text = await network.output("h2load", "--h1", ...sizes, `${origin}/small/a`, `${origin}/small/b?echo=more`);
    expectSummary(text, new RegExp(`, ${requests} succeeded, 0 failed, 0 errored, 0 timeout`));
  };
