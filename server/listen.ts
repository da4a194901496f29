/**
 * The listening socket: `Bun.serve` around the app and the hub, and its orderly end.
 * @module
 */

import type { App } from "./app.ts";
import type { Hub } from "./hub.ts";
import { type SocketData, socketHandlers } from "./ws.ts";

interface ListenOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  app: App;
  hub: Hub;
}

interface Listener {
  readonly host: string;
  /** The one in use, also when 0 was asked for. */
  readonly port: number;
  /** `http://127.0.0.1:4320`, without a path. */
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
// Longer than a `POST /sync?wait=export` may take.
const REQUEST_IDLE_SECONDS = 60;
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
  return `cannot listen on ${where}: ${error instanceof Error ? error.message : String(error)}`;
};

/**
 * Begins to serve.
 *
 * @throws {ListenError} when the address cannot be had
 */
const listen = ({ host, port, app, hub }: ListenOptions): Listener => {
  const start = () =>
    Bun.serve<SocketData>({
      hostname: host,
      port,
      idleTimeout: REQUEST_IDLE_SECONDS,
      maxRequestBodySize: REQUEST_MAX_BYTES,
      fetch: (request, server) =>
        app.fetch(request, { upgrade: (headers) => server.upgrade(request, { data: {}, headers }) }),
      websocket: socketHandlers(hub),
    });
  let server: ReturnType<typeof start>;
  try {
    server = start();
  } catch (error) {
    throw new ListenError(listenFault(error, host, port));
  }
  const boundPort = server.port ?? port;
  const stallCheck = setInterval(() => hub.closeStalled(), STALL_CHECK_MILLIS);

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
    await Promise.race([server.stop(true), stopped, Bun.sleep(CLOSE_POLL_MILLIS)]);
  };

  let ending: Promise<void> | undefined;
  return {
    host,
    port: boundPort,
    url: `http://${hostForUrl(host)}:${boundPort}`,
    close: (deadlineMillis) => {
      ending ??= end(deadlineMillis);
      return ending;
    },
  };
};

export type { Listener, ListenOptions };
export { hostForUrl, ListenError, listen };
