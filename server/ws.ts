/**
 * Bun's WebSocket callbacks, tied to the hub. Hono's own adapter has no `drain` and hides what `send` answers.
 * @module
 */

import type { ServerWebSocket, WebSocketHandler } from "bun";
import { CLIENT_MESSAGE_MAX_BYTES, readMessage } from "./client-message.ts";
import { binaryFormat, type Format, jsonFormat } from "./format.ts";
import type { Hub, Wishes } from "./hub.ts";
import type { Subscriber } from "./subscriber.ts";
import { CLOSE_TRY_AGAIN_LATER, type Transport } from "./transport.ts";

/** What Bun keeps with each socket. */
interface SocketData {
  wishes: Wishes;
  subscriber?: Subscriber;
}

interface SocketOptions {
  /** Compresses frames for clients that offer permessage-deflate (RFC 7692): a quarter of the bytes, some ten times the work. */
  compress: boolean;
}

/** The first is what a client gets when it asks for none. */
const SUBPROTOCOLS: Readonly<Record<string, Format>> = {
  "kernelcast.v1.json": jsonFormat,
  "kernelcast.v1.binary": binaryFormat,
};

// A frame that finds more than this unsent is not taken. The hub pauses at the first sign of backpressure, so it is hardly ever reached.
const BACKPRESSURE_MAX_BYTES = 1024 * 1024;
const IDLE_TIMEOUT_SECONDS = 120;

const socketTransport = (socket: ServerWebSocket<SocketData>, compress: boolean): Transport => ({
  send: (payload) =>
    typeof payload === "string" ? socket.sendText(payload, compress) : socket.sendBinary(payload, compress),
  close: (code, reason) => socket.close(code, reason),
});

/** Give these to `Bun.serve`. */
const socketHandlers = (hub: Hub, { compress }: SocketOptions = { compress: false }): WebSocketHandler<SocketData> => ({
  backpressureLimit: BACKPRESSURE_MAX_BYTES,
  closeOnBackpressureLimit: false,
  maxPayloadLength: CLIENT_MESSAGE_MAX_BYTES,
  // Bun pings by itself; a peer that is gone is found within this time.
  idleTimeout: IDLE_TIMEOUT_SECONDS,
  sendPings: true,
  perMessageDeflate: compress,
  open(socket) {
    const subscriber = hub.subscribe(socketTransport(socket, compress), socket.remoteAddress, socket.data.wishes);
    if (subscriber === undefined) socket.close(CLOSE_TRY_AGAIN_LATER, "too many subscribers");
    else socket.data.subscriber = subscriber;
  },
  message(socket, message) {
    const { subscriber } = socket.data;
    if (subscriber === undefined) return;
    const read = readMessage(message);
    if (read.kind === "subscribe") hub.change(subscriber, read.filter);
    else hub.reject(subscriber, read.message);
  },
  drain(socket) {
    if (socket.data.subscriber !== undefined) hub.drain(socket.data.subscriber);
  },
  close(socket) {
    if (socket.data.subscriber !== undefined) hub.unsubscribe(socket.data.subscriber);
  },
});

export type { SocketData, SocketOptions };
export { SUBPROTOCOLS, socketHandlers };
