/**
 * Bun's WebSocket callbacks, tied to the hub. Hono's own adapter has no `drain` and hides what `send` answers.
 * @module
 */

import type { ServerWebSocket, WebSocketHandler } from "bun";
import { CLIENT_MESSAGE_MAX_BYTES, messageFault } from "./client-message.ts";
import type { Hub } from "./hub.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Transport } from "./transport.ts";

/** What Bun keeps with each socket. */
interface SocketData {
  subscriber?: Subscriber;
}

/** The one subprotocol that a client may ask for; also what it gets when it asks for none. */
const JSON_SUBPROTOCOL = "kernelcast.v1.json";

// A frame that finds more than this unsent is not taken. The hub pauses at the first sign of backpressure, so it is hardly ever reached.
const BACKPRESSURE_MAX_BYTES = 1024 * 1024;
const IDLE_TIMEOUT_SECONDS = 120;
const CLOSE_TRY_AGAIN_LATER = 1013;

const socketTransport = (socket: ServerWebSocket<SocketData>): Transport => ({
  send: (payload) => (typeof payload === "string" ? socket.sendText(payload) : socket.sendBinary(payload)),
  close: (code, reason) => socket.close(code, reason),
});

/** Give these to `Bun.serve`. */
const socketHandlers = (hub: Hub): WebSocketHandler<SocketData> => ({
  backpressureLimit: BACKPRESSURE_MAX_BYTES,
  closeOnBackpressureLimit: false,
  maxPayloadLength: CLIENT_MESSAGE_MAX_BYTES,
  // Bun pings by itself; a peer that is gone is found within this time.
  idleTimeout: IDLE_TIMEOUT_SECONDS,
  sendPings: true,
  perMessageDeflate: false,
  open(socket) {
    const subscriber = hub.subscribe(socketTransport(socket), socket.remoteAddress);
    if (subscriber === undefined) socket.close(CLOSE_TRY_AGAIN_LATER, "too many subscribers");
    else socket.data.subscriber = subscriber;
  },
  message(socket, message) {
    if (socket.data.subscriber !== undefined) hub.reject(socket.data.subscriber, messageFault(message));
  },
  drain(socket) {
    if (socket.data.subscriber !== undefined) hub.drain(socket.data.subscriber);
  },
  close(socket) {
    if (socket.data.subscriber !== undefined) hub.unsubscribe(socket.data.subscriber);
  },
});

export type { SocketData };
export { JSON_SUBPROTOCOL, socketHandlers };
