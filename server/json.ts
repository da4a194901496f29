/**
 * Raw HTTP events as JSON, byte for byte what `JSON.stringify(event.decode())` gives, at a fraction of its cost.
 * @module
 */

import type { HttpOutcome, RawHttpEvent } from "../ffi/event.ts";
import { formatIpv6 } from "./network.ts";
import { ESCAPED_MAX, phrase, type Writer } from "./writer.ts";

/** `bpf/events.h` `enum http_outcome`; a test holds the two together. */
const OUTCOMES: readonly HttpOutcome[] = ["complete", "closed", "reset", "superseded", "timeout", "upgraded"];
/** `enum http_flags`. */
const PATH_TRUNCATED = 1;
/** `version` of HTTP/1.0. */
const VERSION_1_0 = 1;
const V4_MAPPED = 0xffff0000;
/** All of an event but its texts: names, numbers and addresses at their longest. */
const FIXED_MAX = 1024;

const SEQ = phrase('{"protocol":"http","seq":');
const CPU = phrase(',"cpu":');
const START = phrase(',"startTimeUnixNano":"');
const DURATION = phrase('","durationNano":');
const CLIENT = phrase(',"client":{"address":"');
const PORT = phrase('","port":');
const SERVER = phrase('},"server":{"address":"');
const METHOD = phrase('},"method":');
const PATH = phrase(',"path":');
const WHOLE = phrase(',"pathTruncated":false,"requestHeaderBytes":');
const TRUNCATED = phrase(',"pathTruncated":true,"requestHeaderBytes":');
const REQUEST_BODY = phrase(',"requestBodyBytes":');
const STATUS = phrase(',"status":');
/** By outcome. */
const HTTP_1_0 = OUTCOMES.map((outcome) => phrase(`,"version":"1.0","outcome":"${outcome}"`));
const HTTP_1_1 = OUTCOMES.map((outcome) => phrase(`,"version":"1.1","outcome":"${outcome}"`));
const FIRST_BYTE = phrase(',"timeToFirstByteNano":');
const RESPONSE_HEADER = phrase(',"responseHeaderBytes":');
const RESPONSE_BODY = phrase(',"responseBodyBytes":');
const ANSWERED_BY = phrase(',"answeredBy":{"address":"');
const END = phrase("}");
const TEMPLATE = phrase(',"template":');
const QUERY = phrase(',"query":');
const HOST = phrase(',"host":');
const USER_AGENT = phrase(',"userAgent":');
const TRACEPARENT = phrase(',"traceparent":');
const TRACESTATE = phrase(',"tracestate":');

/** Appends the event to `out`. */
const writeJson = (event: RawHttpEvent, out: Writer): void => {
  const { bytes, words, hostLength, userAgentLength, traceparentLength } = event;
  out.reserve(
    FIXED_MAX +
      (event.methodLength + event.targetLength + hostLength + userAgentLength + traceparentLength) * ESCAPED_MAX,
  );
  out.phrase(SEQ);
  out.number(event.seq);
  out.phrase(CPU);
  out.number(event.cpu);
  out.phrase(START);
  writeUnixNano(event.startHigh, event.startLow, out);
  out.phrase(DURATION);
  out.number(event.durationNano);
  out.phrase(CLIENT);
  writeEndpoint(event, event.clientAddressAt, event.clientPort, out);
  out.phrase(SERVER);
  writeEndpoint(event, event.serverAddressAt, event.serverPort, out);
  out.phrase(METHOD);
  out.quoted(words, bytes, event.methodAt, event.methodLength);
  out.phrase(PATH);
  const template = writePath(event, out);
  out.phrase((event.flags & PATH_TRUNCATED) === 0 ? WHOLE : TRUNCATED);
  out.number(event.requestHeaderBytes);
  out.phrase(REQUEST_BODY);
  out.number(event.requestBodyBytes);
  out.phrase(STATUS);
  out.number(event.status);
  const version = event.version === VERSION_1_0 ? HTTP_1_0 : HTTP_1_1;
  out.phrase(version[event.outcome] ?? (version[0] as (typeof version)[number]));
  const { timeToFirstByteNano } = event;
  if (timeToFirstByteNano !== undefined) {
    out.phrase(FIRST_BYTE);
    out.number(timeToFirstByteNano);
    out.phrase(RESPONSE_HEADER);
    out.number(event.responseHeaderBytes as number);
    out.phrase(RESPONSE_BODY);
    out.number(event.responseBodyBytes as number);
  }
  if (isAnswered(words, event.answeredAddressAt >> 2)) {
    out.phrase(ANSWERED_BY);
    writeEndpoint(event, event.answeredAddressAt, event.answeredPort, out);
    out.phrase(END);
  }
  if (template !== undefined) {
    out.phrase(TEMPLATE);
    out.quotedString(template);
  }
  if (event.targetLength > event.pathLength) {
    const query = event.query();
    if (query !== undefined) {
      out.phrase(QUERY);
      out.quotedString(query);
    }
  }
  if (hostLength > 0) {
    out.phrase(HOST);
    out.quoted(words, bytes, event.hostAt, hostLength);
  }
  if (userAgentLength > 0) {
    out.phrase(USER_AGENT);
    out.quoted(words, bytes, event.userAgentAt, userAgentLength);
  }
  if (traceparentLength > 0) {
    out.phrase(TRACEPARENT);
    out.quoted(words, bytes, event.traceparentAt, traceparentLength);
  }
  const { tracestate } = event;
  if (tracestate !== undefined) {
    out.phrase(TRACESTATE);
    out.quotedString(tracestate);
  }
  out.phrase(END);
};

/** Returns the template that the path matches. */
const writePath = (event: RawHttpEvent, out: Writer): string | undefined => {
  if (event.isPathShown) {
    out.quoted(event.words, event.bytes, event.targetAt, event.pathLength);
    return undefined;
  }
  const { path, template } = event.path();
  out.quotedString(path);
  return template;
};

const writeEndpoint = ({ words, bytes }: RawHttpEvent, at: number, port: number, out: Writer): void => {
  const word = at >> 2;
  if (words[word] === 0 && words[word + 1] === 0 && words[word + 2] === V4_MAPPED)
    out.dotted(words[word + 3] as number);
  else out.ascii(ipv6Text(bytes, at));
  out.phrase(PORT);
  out.number(port);
};

const ipv6Texts = new Map<string, string>();
const IPV6_TEXTS_MAX = 4096;

const ipv6Text = (bytes: Buffer, at: number): string => {
  const key = bytes.latin1Slice(at, at + 16);
  let text = ipv6Texts.get(key);
  if (text === undefined) {
    if (ipv6Texts.size >= IPV6_TEXTS_MAX) ipv6Texts.clear();
    text = formatIpv6(bytes.subarray(at, at + 16));
    ipv6Texts.set(key, text);
  }
  return text;
};

const isAnswered = (words: Uint32Array, word: number): boolean =>
  ((words[word] as number) |
    (words[word + 1] as number) |
    (words[word + 2] as number) |
    (words[word + 3] as number)) !==
  0;

const BILLION = 1_000_000_000;
/** 2^48 ns are this many seconds and nanoseconds; 2^32 ns are few enough to be multiplied by 16 bits. */
const TWO_TO_48 = { seconds: 281_474, nanoseconds: 976_710_656 };
const TWO_TO_32 = 2 ** 32;

/** 64-bit nanoseconds in decimal; no intermediate value reaches 2^53. */
const writeUnixNano = (high: number, low: number, out: Writer): void => {
  const top = high >>> 16;
  const scaled = top * TWO_TO_48.nanoseconds + (high & 0xffff) * TWO_TO_32 + low;
  const carried = Math.floor(scaled / BILLION);
  out.number(top * TWO_TO_48.seconds + carried);
  out.nineDigits(scaled - carried * BILLION);
};

export { writeJson };
