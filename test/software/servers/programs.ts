import { join } from "node:path";
import type { Network } from "../../e2e/support/network.ts";
import type { AccessLog, LoggedRequest } from "../support/access-log.ts";
import type { Server, StartServer } from "./server.ts";

export const APP_PORT = 9000;

const PROGRAMS = join(import.meta.dir, "../programs");

export const startNode: StartServer = (network, log, folder) => start(network, log, folder, "node", "node.mjs");

export const startBun: StartServer = (network, log, folder) => start(network, log, folder, process.execPath, "bun.ts");

export const startPython: StartServer = (network, log, folder) => start(network, log, folder, "python3", "python.py");

/** A program prints a line when it listens, then one of JSON, a `LoggedRequest`, for each request that it has answered. */
async function start(
  network: Network,
  log: AccessLog,
  folder: string,
  interpreter: string,
  program: string,
): Promise<Server> {
  const read = log.reader((line) => JSON.parse(line) as LoggedRequest);
  let listening = false;
  const child = network.start([interpreter, join(PROGRAMS, program), String(APP_PORT), folder], {}, (line) => {
    if (listening) read(line);
    else listening = true;
  });
  await child.until(() => listening);
  return { port: APP_PORT, hops: 1 };
}
