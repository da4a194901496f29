/** @import { Link, LinkOptions } from "./link.d.ts" */
import { subscriptionUrl, webSocketUrl } from "./address.js";
import { ConnectError, readRefusal, unreachable } from "./connect-error.js";
import { readRecords } from "./records.js";

const SUBPROTOCOLS = { json: "kernelcast.v1.json", binary: "kernelcast.v1.binary" };
const TOKEN_SUBPROTOCOL = "kernelcast.token.";
const UPGRADE_REQUIRED = 426;
const CLOSE_NORMAL = 1000;

/** @param {LinkOptions} options @returns {Link} */
export const openWebSocket = (options) => {
  const { service, subscription, token, format = "json", onMessage, onEvents } = options;
  const url = subscriptionUrl(service, subscription, "ws");
  const socket = new WebSocket(webSocketUrl(url), [
    SUBPROTOCOLS[format],
    ...(token === undefined ? [] : [TOKEN_SUBPROTOCOL + token]),
  ]);
  socket.binaryType = "arraybuffer";
  let isGreeted = false;
  /** @type {Record<string, number>} */
  let recordLayout = {};
  const hear = (/** @type {string | ArrayBuffer} */ data) => {
    if (typeof data !== "string") return onEvents(readRecords(data, recordLayout));
    const frame = JSON.parse(data);
    if (frame.type === "hello") ({ recordLayout = {} } = frame);
    isGreeted = true;
    return frame.type === "batch" ? onEvents(frame.events) : onMessage(frame);
  };
  /** @type {(end: Awaited<Link["ended"]>) => void} */
  let end = () => {};
  /** @type {Link["ended"]} */
  const ended = new Promise((resolve) => {
    end = resolve;
  });
  socket.onmessage = ({ data }) => {
    try {
      hear(data);
    } catch (error) {
      // Nothing that a Kernelcast sends.
      leave(error instanceof Error ? error.message : String(error));
    }
  };
  const leave = (/** @type {string} */ reason) => {
    // A peer that is gone answers no close.
    socket.onmessage = null;
    socket.onclose = null;
    socket.onerror = null;
    socket.close(CLOSE_NORMAL);
    end({ reason });
  };
  let isLost = false;
  const lose = async (/** @type {string} */ reason) => {
    if (isLost) return;
    isLost = true;
    end(isGreeted ? { reason } : { reason, refusal: await explain(url, options) });
  };
  socket.onclose = ({ code, reason }) => lose(reason === "" ? `code ${code}` : reason);
  // Node 20 says no more than this of a connection that is refused.
  socket.onerror = () => setTimeout(lose, 0, "the connection broke");
  return {
    kind: "websocket",
    ended,
    send: (message) => socket.send(JSON.stringify(message)),
    close: () => leave("closed here"),
  };
};

/**
 * A WebSocket does not tell why it was refused, but the same request without an upgrade does.
 *
 * @param {string} url @param {LinkOptions} options
 */
const explain = async (url, { service, token, fetch }) => {
  try {
    const response = await fetch(url, { headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } });
    if (response.status !== UPGRADE_REQUIRED) return await readRefusal(response);
    await response.body?.cancel();
    return new ConnectError("broken", `the WebSocket to ${service} broke before it was open`);
  } catch (error) {
    return unreachable(service, error);
  }
};
