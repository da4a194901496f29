import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Network } from "../../e2e/support/network.ts";
import { temporaryFolder } from "../../e2e/support/nginx.ts";
import type { AccessLog } from "../support/access-log.ts";

/**
 * A server, or a chain of them. Every one answers to:
 *
 *     /small/…          a few bytes, as many as the request says: by `?echo=TEXT`, or by the last character of the path
 *     /files/NAME       a file of the folder
 *     /app/upload/…     reads the body, answers 201
 *     /app/chunked/…    three chunks, in packets of their own
 *     /app/events/…     three server-sent events, 100 ms after each
 */
export interface Server {
  /** On 127.0.0.1. */
  port: number;
  /** Servers that a request of /small/ passes, each of which logs it. */
  hops: number;
}

export const originOf = ({ port }: Server): string => `http://127.0.0.1:${port}`;

/** Starts a server in `network` that says in `log` what it serves, and serves the files of `folder`. Resolves when it listens. */
export type StartServer = (network: Network, log: AccessLog, folder: string) => Promise<Server>;

/** Of /app/events/, between its first part and its end. */
export const EVENTS_PAUSES_MILLIS = 300;
export const MIB = 1024 * 1024;
export const LARGE_BYTES = 100 * MIB;
const TEXT = "All work and no play makes Jack a dull boy.\n";

/** A folder of files to serve and to upload: `1m.bin`, which no compression shrinks, `100m.bin`, and `text.txt`. */
export function filesToServe(): string {
  const folder = temporaryFolder();
  const incompressible = crypto.getRandomValues.bind(crypto);
  const block = 64 * 1024;
  const random = Buffer.concat(Array.from({ length: MIB / block }, () => incompressible(new Uint8Array(block))));
  writeFileSync(join(folder, "1m.bin"), random);
  writeFileSync(join(folder, "100m.bin"), "");
  truncateSync(join(folder, "100m.bin"), LARGE_BYTES);
  writeFileSync(join(folder, "text.txt"), TEXT.repeat(5000));
  return folder;
}

/** A log file that is not there yet, and all that is ever written to it, line by line. */
export function followLog(network: Network, onLine: (line: string) => void): string {
  const file = join(temporaryFolder(), "access.log");
  writeFileSync(file, "");
  network.start(["tail", "--lines=+1", "--follow", file], {}, onLine);
  return file;
}

/** The command, such that all processes it starts end with it, however it ends. */
export function withChildren(argv: readonly string[]): string[] {
  return ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--", ...argv];
}
