/**
 * Raw events as OTLP `Span` messages, straight from the kernel's bytes.
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/opentelemetry/proto/trace/v1/trace.proto
 * @module
 */
import { TraceFlags } from "@opentelemetry/api";
import type { RawHttpEvent, ReportedPath } from "../ffi/event.ts";
import { writeAttributes } from "./attribute-encoding.ts";
import { spanAttributes } from "./attributes.ts";
import { type ByteWriter, varintLength } from "./byte-writer.ts";
import type { Caller } from "./caller.ts";
import { IntAttribute } from "./field-encoding.ts";
import type { IdGenerator } from "./ids.ts";
import type { OptIn } from "./opt-in.ts";
import * as semconv from "./semconv.ts";
import type { SideRule, SpanSide } from "./side.ts";
import { FLAG_RANDOM_TRACE_ID, spanHead } from "./span.ts";
import { ATTRIBUTES, SpanBlocks, writeHead } from "./span-blocks.ts";
import { parseTracestate } from "./tracestate.ts";
import { URL_BYTES_MAX, writePathAndQuery, writeUrl } from "./url-encoding.ts";

interface SpanEncoderOptions {
  ids: IdGenerator;
  knownMethods: ReadonlySet<string>;
  sideOf: SideRule;
  /** Server spans stand under the client span that Kernelcast makes of the same transaction. */
  underClientSpan: boolean;
  optIn: OptIn;
}

/** Tag of `ScopeSpans.spans`, and those of the members of `Span` that are written here. */
const SPAN = 0x12;
const TRACE_ID = 0x0a;
const SPAN_ID = 0x12;
const TRACE_STATE = 0x1a;
const PARENT_SPAN_ID = 0x22;
const START_TIME = 0x39;
const END_TIME = 0x41;
/** Field 16 as a fixed32: two bytes. */
const FLAGS = [0x85, 0x01] as const;

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
/** Of a span of 128 to 16,383 bytes, which nearly all are. */
const LENGTH_BYTES = 2;
/** Everything before the attributes. */
const HEAD_BYTES_MAX = 146;

/** `SpanFlags` of trace.proto: whether it is known that the parent is remote, and whether it is. */
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

const PEER_PORT = new IntAttribute(semconv.ATTR_NETWORK_PEER_PORT);
const REQUEST_BODY_SIZE = new IntAttribute(semconv.ATTR_HTTP_REQUEST_BODY_SIZE);
const RESPONSE_BODY_SIZE = new IntAttribute(semconv.ATTR_HTTP_RESPONSE_BODY_SIZE);
const NOTHING = new Uint8Array();
/** All that is not kept in blocks, less the path. */
const SINGLES_BYTES_MAX = [PEER_PORT, REQUEST_BODY_SIZE, RESPONSE_BODY_SIZE].reduce(
  (sum, { bytesMax }) => sum + bytesMax,
  HEAD_BYTES_MAX + URL_BYTES_MAX,
);

class SpanEncoder {
  readonly #ids: IdGenerator;
  readonly #knownMethods: ReadonlySet<string>;
  readonly #sideOf: SideRule;
  readonly #underClientSpan: boolean;
  readonly #optIn: OptIn;
  readonly #blocks: SpanBlocks;

  constructor({ ids, knownMethods, sideOf, underClientSpan, optIn }: SpanEncoderOptions) {
    this.#ids = ids;
    this.#knownMethods = knownMethods;
    this.#sideOf = sideOf;
    this.#underClientSpan = underClientSpan;
    this.#optIn = optIn;
    this.#blocks = new SpanBlocks(knownMethods);
  }

  /** Appends one more value of `ScopeSpans.spans`. caller: of this event. */
  encode(event: RawHttpEvent, caller: Caller, out: ByteWriter): void {
    const reported = event.isPathShown ? undefined : event.path();
    if (reported === undefined || reported.path.startsWith("/")) this.#encodeRaw(event, caller, reported, out);
    else this.#encodeDecoded(event, caller, out);
  }

  #encodeRaw(event: RawHttpEvent, caller: Caller, reported: ReportedPath | undefined, out: ByteWriter): void {
    const blocks = this.#blocks;
    const client = blocks.client(event);
    const server = blocks.server(event);
    const side = this.#sideOf(client.address, server.address);
    const isServer = side === "server";
    const exchange = blocks.exchange(event, side, reported?.template);
    const serverAttributes = server.attributes[side];
    const clientAttributes = isServer ? client.attributes : NOTHING;
    const userAgent = isServer && event.userAgentLength > 0 ? blocks.userAgent(event) : NOTHING;
    out.reserve(
      SINGLES_BYTES_MAX +
        exchange.length +
        serverAttributes.length +
        clientAttributes.length +
        userAgent.length +
        server.url.length +
        event.pathLength,
    );
    const start = this.#begin(event, side, caller, out);
    out.put(exchange);
    out.put(serverAttributes);
    out.put(clientAttributes);
    out.put(userAgent);
    if (isServer) PEER_PORT.write(out, event.clientPort);
    if (this.#optIn[side]) writeBodySizes(event, out);
    if (isServer) writePathAndQuery(event, reported, out);
    else writeUrl(event, reported, server.url, out);
    finish(out, start);
  }

  /** A target in another form than origin form decides more than the path. It is rare. */
  #encodeDecoded(event: RawHttpEvent, caller: Caller, out: ByteWriter): void {
    const decoded = event.decode();
    const side = this.#sideOf(decoded.client.address, decoded.server.address);
    const head = spanHead(decoded, side, this.#knownMethods);
    out.reserve(HEAD_BYTES_MAX);
    const start = this.#begin(event, side, caller, out);
    writeHead(out, head);
    writeAttributes(out, ATTRIBUTES, spanAttributes(decoded, { side, ...head, bodySizes: this.#optIn[side] }));
    finish(out, start);
  }

  /** Ids, flags and times, into room that is there. Returns where the length goes. */
  #begin(event: RawHttpEvent, side: SpanSide, caller: Caller, out: ByteWriter): number {
    const { bytes, view } = out;
    let { at } = out;
    bytes[at] = SPAN;
    const start = at + 1;
    at = start + LENGTH_BYTES;

    bytes[at] = TRACE_ID;
    bytes[at + 1] = TRACE_ID_BYTES;
    if (caller.isKnown) bytes.set(caller.traceIdBytes, at + 2);
    else this.#ids.writeTraceId(event.seq, bytes, at + 2);
    at += 2 + TRACE_ID_BYTES;

    bytes[at] = SPAN_ID;
    bytes[at + 1] = SPAN_ID_BYTES;
    this.#ids.writeSpanId(event.seq, side, bytes, at + 2);
    at += 2 + SPAN_ID_BYTES;

    const state = caller.isKnown && event.tracestate !== undefined ? parseTracestate(event.tracestate) : undefined;
    if (state !== undefined) {
      // ASCII, and of one byte's length: the kernel keeps less than 128.
      const length = bytes.write(state.serialize(), at + 2, "latin1");
      bytes[at] = TRACE_STATE;
      bytes[at + 1] = length;
      at += 2 + length;
    }

    let flags = TraceFlags.SAMPLED | HAS_IS_REMOTE;
    if (caller.isKnown) flags |= caller.traceFlags & FLAG_RANDOM_TRACE_ID;
    const isUnderClient = this.#underClientSpan && side === "server";
    if (isUnderClient || caller.isKnown) {
      flags |= IS_REMOTE;
      bytes[at] = PARENT_SPAN_ID;
      bytes[at + 1] = SPAN_ID_BYTES;
      if (isUnderClient) this.#ids.writeSpanId(event.seq, "client", bytes, at + 2);
      else bytes.set(caller.spanIdBytes, at + 2);
      at += 2 + SPAN_ID_BYTES;
    }
    bytes[at] = FLAGS[0];
    bytes[at + 1] = FLAGS[1];
    view.setUint32(at + 2, flags, true);
    at += 6;

    bytes[at] = START_TIME;
    view.setUint32(at + 1, event.startLow, true);
    view.setUint32(at + 5, event.startHigh, true);
    bytes[at + 9] = END_TIME;
    view.setUint32(at + 10, event.endLow, true);
    view.setUint32(at + 14, event.endHigh, true);
    out.at = at + 18;
    return start;
  }
}

function writeBodySizes({ requestBodyBytes, responseBodyBytes }: RawHttpEvent, out: ByteWriter): void {
  REQUEST_BODY_SIZE.write(out, requestBodyBytes);
  if (responseBodyBytes !== undefined) RESPONSE_BODY_SIZE.write(out, responseBodyBytes);
}

/** Puts the length of what was written into the room left for it, or makes more. */
function finish(out: ByteWriter, start: number): void {
  const length = out.at - start - LENGTH_BYTES;
  const lengthBytes = varintLength(length);
  if (lengthBytes !== LENGTH_BYTES) {
    out.reserve(lengthBytes);
    out.bytes.copyWithin(start + lengthBytes, start + LENGTH_BYTES, out.at);
  }
  out.at = start;
  out.varint(length);
  out.at += length;
}

export { SpanEncoder, type SpanEncoderOptions };
