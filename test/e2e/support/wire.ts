import type { Child } from "./child.ts";
import type { Network } from "./network.ts";

/** Who does what: sends bytes (Latin-1), ends its direction with FIN, or resets the connection. */
export type Step = ["client" | "server", string | { do: "end" | "reset" }];

/** A conversation that has been played; its connection is still what the last step left. */
export interface Played {
  process: Child;
  clientPort: number;
  serverPort: number;
}

/** Plays a conversation over a connection of its own. Resolves when both ends have seen the last step. */
export async function playWire(network: Network, steps: readonly Step[], host = "127.0.0.1"): Promise<Played> {
  const process = network.program("wire", [host, JSON.stringify(steps)]);
  const [line] = await process.match(/^\{.*\}$/m);
  return { process, ...(JSON.parse(line) as { clientPort: number; serverPort: number }) };
}

/** A message head: its lines, each ended by CRLF, and the empty one. */
export function head(...lines: string[]): string {
  return [...lines, "", ""].join("\r\n");
}
