/**
 * `GET /asyncapi.json`: the subscriptions for programs, https://www.asyncapi.com/docs/reference/specification/v3.0.0.
 * @module
 */

import { z } from "zod";
import { CLIENT_MESSAGE_MAX_BYTES } from "./client-message.ts";
import { serviceMessages, subscribe } from "./message-schema.ts";
import { subscriptionQuery } from "./subscription.ts";
import { SUBPROTOCOLS } from "./ws.ts";

type Name = keyof typeof serviceMessages;

const OVER_WEB_SOCKET: readonly Name[] = ["hello", "batch", "gap", "sync", "subscribed", "heartbeat", "error"];
const OVER_HTTP: readonly Name[] = ["hello", "httpEvent", "tcpEvent", "gap", "sync", "heartbeat", "end"];

const jsonSchema = (schema: z.ZodType) => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", target: "draft-7" });
  return rest;
};

const message = (name: string, schema: z.ZodType, contentType: string) => ({
  name,
  contentType,
  summary: schema.description,
  payload: jsonSchema(schema),
});

const messages = (names: readonly Name[], contentType: string) =>
  Object.fromEntries(names.map((name) => [name, message(name, serviceMessages[name], contentType)]));

const references = (channel: string, names: readonly string[]) =>
  names.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` }));

const QUERY_NOTE = "A key repeated means any of its values, keys together mean all of them, a leading ! excludes.";

/** @param url of the request, which says how the service is reached */
const asyncApi = (version: string, url: string) => {
  const { host, protocol } = new URL(url);
  const isSecure = protocol === "https:";
  const security = [{ $ref: "#/components/securitySchemes/token" }];
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Kernelcast",
      version,
      description: "Live HTTP traffic of this host, seen from inside the kernel",
      license: { name: "Apache-2.0" },
    },
    defaultContentType: "application/json",
    servers: {
      webSocket: { host, protocol: isSecure ? "wss" : "ws", security },
      http: { host, protocol: isSecure ? "https" : "http", security },
    },
    channels: {
      webSocket: {
        address: "/ws",
        servers: [{ $ref: "#/servers/webSocket" }],
        description: `Text frames, each one JSON object. Subprotocol: none, or one of ${Object.keys(SUBPROTOCOLS).join(", ")}; with the last of them, HTTP events come as records in binary frames. ${QUERY_NOTE}`,
        messages: {
          ...messages(OVER_WEB_SOCKET, "application/json"),
          subscribe: message("subscribe", subscribe, "application/json"),
        },
        bindings: { ws: { method: "GET", query: jsonSchema(subscriptionQuery), bindingVersion: "0.1.0" } },
      },
      events: {
        address: "/events",
        servers: [{ $ref: "#/servers/http" }],
        description: `Each event, and whatever else there is to say, is a line of JSON; with Accept: text/event-stream a server-sent event, whose id resumes the stream as Last-Event-ID. ${QUERY_NOTE}`,
        messages: messages(OVER_HTTP, "application/x-ndjson"),
      },
    },
    operations: {
      stream: {
        action: "send",
        channel: { $ref: "#/channels/webSocket" },
        messages: references("webSocket", OVER_WEB_SOCKET),
      },
      changeFilter: {
        action: "receive",
        channel: { $ref: "#/channels/webSocket" },
        description: `At most ${CLIENT_MESSAGE_MAX_BYTES} bytes.`,
        messages: references("webSocket", ["subscribe"]),
      },
      streamOverHttp: {
        action: "send",
        channel: { $ref: "#/channels/events" },
        messages: references("events", OVER_HTTP),
        bindings: { http: { method: "GET", query: jsonSchema(subscriptionQuery), bindingVersion: "0.3.0" } },
      },
    },
    components: {
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description:
            "With --token-file: a header, or, as a browser's WebSocket can set none, the subprotocol kernelcast.token.TOKEN beside another one.",
        },
      },
    },
  };
};

export { asyncApi };
