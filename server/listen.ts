/**
 * The listening socket: `Bun.serve` around the app and the hub, and its orderly end.
 * @module
 */

import { existsSync, rmSync, statSync } from "node:fs";
import type { App } from "./app.ts";
import { watchDescriptors } from "./descriptors.ts";
import type { Hub } from "./hub.ts";
import { type SocketData, socketHandlers } from "./ws.ts";

interface ListenOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** In the place of host and port. */
  unixSocket?: string | undefined;
  /** Certificate chain and private key, in PEM. */
  tls?: { cert: string; key: string } | undefined;
  /** Of what is sent over WebSockets. */
  compress?: boolean;
  app: App;
  hub: Hub;
}

interface Listener {
  readonly host: string;
  /** The one in use, also when 0 was asked for; 0 on a Unix socket. */
  readonly port: number;
  /** `http://127.0.0.1:4320`, without a path; of a Unix socket `unix:/run/kernelcast.sock`. */
  readonly url: string;
  /**
   * Takes no more connections, lets subscribers read what is queued, closes them with 1001, and ends whatever is left when
   * the time is over. Every later call returns the first one's promise. Never rejects.
   */
  close(deadlineMillis: number): Promise<void>;
}

/** The address cannot be listened on. The message is one line, for the user. */
class ListenError extends Error {
  override readonly name = "ListenError";
}

const REQUEST_MAX_BYTES = 64 * 1024;
// Of a connection that is kept as of a body that does not come: both hold a descriptor. Bun itself gives a head 10 s.
const IDLE_SECONDS = 10;
const STALL_CHECK_MILLIS = 1000;
const CLOSE_POLL_MILLIS = 5;

const hostForUrl = (host: string): string => (host.includes(":") ? `[${host}]` : host);

const listenFault = (error: unknown, host: string, port: number): string => {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const where = `port ${port} on ${host}`;
  if (code === "EADDRINUSE") return `${where} is in use, perhaps by another Kernelcast; choose another with --port`;
  if (code === "EACCES") return `${where} may only be used by root; choose one above 1023 with --port`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return `${host} is no address of this machine; choose another with --host`;
  return `cannot listen on ${where}: ${messageOf(error)}`;
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Is somebody there, or did its process end without taking it away? */
const isSocketInUse = (path: string): boolean => {
  const { exitCode } = Bun.spawnSync([process.execPath, "-e", PROBE], { env: { PROBE_SOCKET: path } });
  return exitCode === 0;
};

const PROBE = `require("net").connect(process.env.PROBE_SOCKET)
  .on("connect", () => process.exit(0)).on("error", () => process.exit(1))`;

/** Makes the socket so that nobody else may open it, not even for a moment. */
const onPrivateSocket = <T>(path: string, start: () => T): T => {
  if (existsSync(path)) {
    if (!statSync(path).isSocket())
      throw new ListenError(`${path} exists and is no socket; choose another --unix-socket`);
    if (isSocketInUse(path)) throw new ListenError(`${path} is in use, perhaps by another Kernelcast`);
    rmSync(path);
  }
  const umask = process.umask(0o177);
  try {
    return start();
  } finally {
    process.umask(umask);
  }
};

/**
 * Begins to serve.
 *
 * @throws {ListenError} when the address cannot be had
 */
const listen = ({ host, port, unixSocket, tls, compress = false, app, hub }: ListenOptions): Listener => {
  const start = () =>
    Bun.serve<SocketData>({
      ...(unixSocket === undefined ? { hostname: host, port } : { unix: unixSocket }),
      ...(tls !== undefined && { tls }),
      idleTimeout: IDLE_SECONDS,
      maxRequestBodySize: REQUEST_MAX_BYTES,
      fetch: (request: Request, server: Bun.Server<SocketData>) =>
        app.fetch(request, {
          // A peer that is gone already has no address; it is still not one of a Unix socket.
          remoteAddress: unixSocket === undefined ? (server.requestIP(request)?.address ?? "unknown") : undefined,
          allowSeconds: (seconds) => server.timeout(request, seconds),
          upgrade: (headers, wishes) => server.upgrade(request, { data: { wishes }, headers }),
        }),
      websocket: socketHandlers(hub, { compress }),
    } as Bun.Serve.Options<SocketData>);
  let server: ReturnType<typeof start>;
  try {
    server = unixSocket === undefined ? start() : onPrivateSocket(unixSocket, start);
  } catch (error) {
    if (error instanceof ListenError) throw error;
    throw new ListenError(
      unixSocket === undefined ? listenFault(error, host, port) : `cannot listen on ${unixSocket}: ${messageOf(error)}`,
    );
  }
  const boundPort = unixSocket === undefined ? (server.port ?? port) : 0;
  const scheme = tls === undefined ? "http" : "https";
  const descriptors = watchDescriptors();
  const stallCheck = setInterval(() => {
    hub.tend();
    descriptors.check();
  }, STALL_CHECK_MILLIS);
  const heartbeat = setInterval(() => hub.beat(), hub.heartbeatMillis);

  const end = async (deadlineMillis: number): Promise<void> => {
    const endMillis = performance.now() + deadlineMillis;
    const stopped = server.stop();
    // A reader that is merely slow gets most of the time; a close needs the rest to reach the others.
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadlineMillis * 0.8);
    await Promise.race([hub.idle(), late]);
    clearTimeout(timer);
    hub.close();
    // Bun has no event for the last socket's end.
    while (server.pendingWebSockets + server.pendingRequests > 0 && performance.now() < endMillis)
      await Bun.sleep(CLOSE_POLL_MILLIS);
    clearInterval(stallCheck);
    descriptors.stop();
    clearInterval(heartbeat);
    await Promise.race([server.stop(true), stopped, Bun.sleep(CLOSE_POLL_MILLIS)]);
    if (unixSocket !== undefined) rmSync(unixSocket, { force: true });
  };

  let ending: Promise<void> | undefined;
  return {
    host,
    port: boundPort,
    url: unixSocket === undefined ? `${scheme}://${hostForUrl(host)}:${boundPort}` : `unix:${unixSocket}`,
    close: (deadlineMillis) => {
      ending ??= end(deadlineMillis);
      return ending;
    },
  };
};

export type { Listener, ListenOptions };
export { hostForUrl, ListenError, listen };
