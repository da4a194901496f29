/**
 * What goes over a subscription, either way, as schemas: the words of the AsyncAPI document, held by the compiler against the
 * types of what is sent and by tests against what arrives.
 * @module
 */

import { z } from "zod";
import type { HttpEvent, TcpEvent } from "../ffi/event.ts";
import { filterKeys } from "./filter.ts";
import type { Message } from "./frame.ts";

const count = (about: string) => z.int().min(0).max(Number.MAX_SAFE_INTEGER).describe(about);
const seq = count("rises by one per event of one run, from 1, whatever its protocol");
const cpu = count("on which it ended");
const startTimeUnixNano = z.string().regex(/^\d+$/);
const durationNano = z.int();
const endpoint = (about: string) =>
  z.strictObject({ address: z.string(), port: z.int().min(0).max(65_535) }).describe(about);

const httpEvent = z
  .strictObject({
    protocol: z.literal("http"),
    seq,
    cpu,
    startTimeUnixNano: startTimeUnixNano.describe("first request packet; decimal text, since it exceeds 2^53"),
    durationNano: durationNano.describe("to the last response packet"),
    timeToFirstByteNano: z.int().exactOptional().describe("to the first packet of the final response, if one came"),
    client: endpoint("who asked"),
    server: endpoint("who was asked, as the client sees it"),
    answeredBy: endpoint("the server that a destination NAT on this host put in its place").exactOptional(),
    method: z.string(),
    path: z.string().describe("up to the query, as redactions and templates leave it"),
    template: z.string().exactOptional().describe("the first --template that fits the path"),
    query: z.string().exactOptional().describe("only with --capture-query, secrets redacted"),
    pathTruncated: z.boolean().describe("it was longer than --path-max"),
    requestHeaderBytes: count("from the start line to the empty line"),
    requestBodyBytes: count("without the framing of chunks"),
    status: count("of the final response; 0: none was seen"),
    responseHeaderBytes: count("of the final response, if one came").exactOptional(),
    responseBodyBytes: count("without the framing of chunks").exactOptional(),
    version: z.enum(["1.0", "1.1"]),
    host: z.string().exactOptional(),
    userAgent: z.string().exactOptional(),
    traceparent: z.string().exactOptional(),
    tracestate: z.string().exactOptional(),
    outcome: z
      .enum(["complete", "closed", "reset", "superseded", "timeout", "upgraded"])
      .describe("closed, reset: before the response was whole; superseded: by the next request; upgraded: 101"),
  })
  .describe("one HTTP transaction: a request and its final response");

const tcpEvent = z
  .strictObject({
    protocol: z.literal("tcp"),
    seq,
    cpu,
    startTimeUnixNano: startTimeUnixNano.describe("connect, or the accepted handshake"),
    durationNano,
    local: endpoint("this host's end"),
    remote: endpoint("the other end"),
    role: z.enum(["client", "server"]),
    bytesSent: count("payload, each byte once"),
    bytesReceived: count("payload, each byte once"),
    retransmits: count("segments"),
    outcome: z.enum(["fin", "reset", "refused"]),
  })
  .describe("one TCP socket of the service's host, when it was closed");

const filter = z.strictObject(filterKeys).describe("conditions that all hold; an empty object selects all");

const hello = z
  .strictObject({
    type: z.literal("hello"),
    version: z.literal(1),
    service: z.strictObject({ name: z.literal("kernelcast"), version: z.string() }),
    run: z.string().describe("of this life of the service; numbers of events are of one run"),
    source: z.strictObject({
      kind: z.enum(["kernel", "replay", "demo"]).describe("replay and demo: not the traffic of this host"),
      attach: z
        .enum(["socket", "cgroup"])
        .exactOptional()
        .describe("where the kernel is watched: at the devices of a network namespace, or at the sockets of a cgroup"),
      cgroup: z.string().exactOptional().describe("the directory of the cgroup whose sockets alone are watched"),
      notice: z.string().exactOptional().describe("the same for people"),
    }),
    subscriber: count("as in the ledger"),
    protocols: z.array(z.string()),
    filter: filter.describe("in force, in its canonical form"),
    nextSeq: count("events from this number on follow"),
    resumed: z.boolean().describe("all that since asked for follows"),
    heartbeatMillis: count("how often a heartbeat comes when nothing else does"),
    recordLayout: z
      .record(z.string(), z.int())
      .exactOptional()
      .describe("where the members of an event are in a record, in bytes; with the binary subprotocol alone"),
  })
  .describe("the first of every subscription");

const batch = z
  .discriminatedUnion("protocol", [
    z.strictObject({ type: z.literal("batch"), protocol: z.literal("http"), events: z.array(httpEvent) }),
    z.strictObject({ type: z.literal("batch"), protocol: z.literal("tcp"), events: z.array(tcpEvent) }),
  ])
  .describe("events of one protocol, at least one, in order");

const gap = z
  .strictObject({
    type: z.literal("gap"),
    dropped: count("events that did not come"),
    fromSeq: count("the first of them"),
    toSeq: count("the last of them"),
    reason: z
      .literal("history")
      .exactOptional()
      .describe("they are kept no longer; all of them count, whatever the filter would have selected"),
  })
  .describe("events were lost here, because they were read too slowly or are kept no longer");

const sync = z
  .strictObject({
    type: z.literal("sync"),
    id: count("of the barrier, as in the receipt of POST /sync"),
    missingCpus: z.array(z.int()).exactOptional().describe("what was pending on these may still come"),
  })
  .describe("every event of this barrier came before, or is in a gap before");

const subscribed = z
  .strictObject({ type: z.literal("subscribed"), filter, fromSeq: count("the first event that it holds for") })
  .describe("another filter holds");

const heartbeat = z
  .strictObject({ type: z.literal("heartbeat"), nextSeq: count("everything before that the filter selects has come") })
  .describe("nothing was for this subscription, and it is still there");

const error = z
  .strictObject({ type: z.literal("error"), message: z.string() })
  .describe("what was wrong with a message that the client sent");

const end = z
  .strictObject({ type: z.literal("end"), code: z.int(), reason: z.string() })
  .describe("the last of an HTTP answer; to a WebSocket its close frame says the same");

/** From the service, by what a WebSocket and `GET /events` have in common, and what they have not. */
const serviceMessages = { hello, gap, sync, subscribed, heartbeat, error, end, batch, httpEvent, tcpEvent };

/** To the service, over a WebSocket. `client-message.ts` reads it. */
const subscribe = z
  .strictObject({ type: z.literal("subscribe"), filter })
  .describe("lets another filter hold from now on");

// What these say and what is sent must have the same members, or this does not compile.
type Same<A, B> = [A, B] extends [B, A] ? true : false;
type Said<K extends keyof typeof serviceMessages> = z.infer<(typeof serviceMessages)[K]>;
type Sent<T extends Message["type"]> = Extract<Message, { type: T }>;
true satisfies Same<keyof Said<"httpEvent">, keyof HttpEvent>;
true satisfies Same<keyof Said<"tcpEvent">, keyof TcpEvent>;
true satisfies Same<Said<"httpEvent">["outcome"], HttpEvent["outcome"]>;
true satisfies Same<keyof Said<"hello">, keyof Sent<"hello">>;
true satisfies Same<keyof Said<"gap">, keyof Sent<"gap">>;
true satisfies Same<Exclude<keyof typeof serviceMessages, "batch" | "httpEvent" | "tcpEvent">, Message["type"]>;

export { serviceMessages, subscribe };
