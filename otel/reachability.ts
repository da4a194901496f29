/**
 * Whether anything listens at an endpoint: a connection that is opened and closed, without a byte.
 * @module
 */
import { connect } from "node:net";
import type { CollectorHealth } from "./health.ts";

const TIMEOUT_MILLIS = 1000;

/** Why it cannot be connected to, as `health.ts` understands it; undefined when it can. Never rejects. */
function unreachableReason(url: string, timeoutMillis = TIMEOUT_MILLIS): Promise<string | undefined> {
  const { protocol, hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || (protocol === "https:" ? 443 : 80)),
    });
    const end = (reason: string | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reason);
    };
    const timer = setTimeout(() => end("Request timed out"), timeoutMillis);
    socket.once("connect", () => end(undefined));
    socket.once("error", (error: Error & { code?: string }) => end(error.code ?? error.message));
  });
}

/**
 * To be called whenever the SDK tries an export again. It does so for 10 s without a word; this looks, and tells the log
 * when nothing listens there. A collector that answers but wants to be asked later is left to it.
 */
function watchRetries(url: string, health: CollectorHealth): () => void {
  let isLooking = false;
  return () => {
    if (isLooking || health.isWarned) return;
    isLooking = true;
    void unreachableReason(url).then((reason) => {
      isLooking = false;
      if (reason !== undefined) health.warnEarly(reason);
    });
  };
}

export { unreachableReason, watchRetries };
