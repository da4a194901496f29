/**
 * The parts of spans that repeat, in their encoded form. What they say is decided by the rules in `span.ts` and
 * `attributes.ts`; each rule is asked once for each combination of bytes that it depends on.
 * @module
 */
import { type Attributes, SpanStatusCode } from "@opentelemetry/api";
import type { HttpEvent, RawHttpEvent } from "../ffi/event.ts";
import { writeAttributes } from "./attribute-encoding.ts";
import * as rules from "./attributes.ts";
import { ByteWriter } from "./byte-writer.ts";
import { RecordCache } from "./record-cache.ts";
import type { SpanSide } from "./side.ts";
import { type SpanHead, spanHead } from "./span.ts";
import type { RequestTarget } from "./target.ts";
import { fullUrl } from "./url.ts";

/** Fields of `Span`: a number, and tags. */
const ATTRIBUTES = 9;
const NAME = 0x2a;
const KIND = 0x30;
const STATUS = 0x7a;
/** The one member of `Status` that is sent, and the length of the message. */
const STATUS_CODE = 0x18;
const STATUS_BYTES = 2;

/** Words of keys: numbers, addresses, and as much text as a raw event holds. */
const EXCHANGE_WORDS = 3 + 6;
const SERVER_WORDS = 2 + 4 + 4 + 16;
const CLIENT_WORDS = 4;
const USER_AGENT_WORDS = 1 + 22;
const ADDRESS_BYTES = 16;

/** A busy host's clients are many, the rest is few. */
const CLIENT_SLOTS = 4096;
const SLOTS = 1024;

interface ServerBlock {
  address: string;
  /** Attributes of a span of either side. */
  attributes: Readonly<Record<SpanSide, Uint8Array>>;
  /** The text that `url.full` begins with. */
  url: Uint8Array;
}

interface ClientBlock {
  address: string;
  /** Attributes of a span of the server's side. */
  attributes: Uint8Array;
}

/** For events whose target is in origin form; the parts of others hang on the target, too, and are not kept. */
class SpanBlocks {
  readonly #knownMethods: ReadonlySet<string>;
  readonly #exchanges = new RecordCache<Uint8Array>(SLOTS, EXCHANGE_WORDS);
  readonly #servers = new RecordCache<ServerBlock>(SLOTS, SERVER_WORDS);
  readonly #clients = new RecordCache<ClientBlock>(CLIENT_SLOTS, CLIENT_WORDS);
  readonly #userAgents = new RecordCache<Uint8Array>(SLOTS, USER_AGENT_WORDS);
  /** The configured templates, in the order in which they were met. */
  readonly #templates = new Map<string, number>();

  constructor(knownMethods: ReadonlySet<string>) {
    this.#knownMethods = knownMethods;
  }

  /** Name, kind, status, and the attributes that go with them. */
  exchange(event: RawHttpEvent, side: SpanSide, template: string | undefined): Uint8Array {
    const cache = this.#exchanges;
    cache.begin();
    cache.number(event.status | (side === "server" ? 0 : 1 << 16));
    cache.number(event.version | (event.outcome << 8) | (event.flags << 16) | (event.methodLength << 24));
    cache.number(template === undefined ? 0 : this.#templateNumber(template));
    cache.words(event.words, event.methodAt, event.methodLength);
    return cache.find() ?? cache.keep(this.#makeExchange(event.decode(), side));
  }

  server(event: RawHttpEvent): ServerBlock {
    const cache = this.#servers;
    cache.begin();
    cache.number(event.serverPort | (event.answeredPort << 16));
    cache.number(event.hostLength);
    cache.words(event.words, event.serverAddressAt, ADDRESS_BYTES);
    cache.words(event.words, event.answeredAddressAt, ADDRESS_BYTES);
    cache.words(event.words, event.hostAt, event.hostLength);
    return cache.find() ?? cache.keep(makeServer(event.decode()));
  }

  client(event: RawHttpEvent): ClientBlock {
    const cache = this.#clients;
    cache.begin();
    cache.words(event.words, event.clientAddressAt, ADDRESS_BYTES);
    return cache.find() ?? cache.keep(makeClient(event.decode()));
  }

  /** Of a span of the server's side. */
  userAgent(event: RawHttpEvent): Uint8Array {
    const cache = this.#userAgents;
    cache.begin();
    cache.number(event.userAgentLength);
    cache.words(event.words, event.userAgentAt, event.userAgentLength);
    return cache.find() ?? cache.keep(encodeUserAgent(event.decode()));
  }

  #makeExchange(event: HttpEvent, side: SpanSide): Uint8Array {
    const head = spanHead(event, side, this.#knownMethods);
    writeHead(scratch, head);
    writeAttributes(scratch, ATTRIBUTES, rules.exchangeAttributes(event, ORIGIN.scheme, { side, ...head }));
    return scratch.take();
  }

  #templateNumber(template: string): number {
    const known = this.#templates.get(template);
    if (known !== undefined) return known;
    const number = this.#templates.size + 1;
    this.#templates.set(template, number);
    return number;
  }
}

const scratch = new ByteWriter(1024);

/** What a target in origin form says of a server: nothing. */
const ORIGIN: RequestTarget = { scheme: "http", path: "" };

function writeHead(out: ByteWriter, { name, kind, error }: SpanHead): void {
  out.byte(NAME);
  out.varint(Buffer.byteLength(name));
  out.text(name);
  out.byte(KIND);
  // OTLP has one kind before those of the API, for "unspecified".
  out.byte(kind + 1);
  out.byte(STATUS);
  out.byte(STATUS_BYTES);
  out.byte(STATUS_CODE);
  out.byte(error === undefined ? SpanStatusCode.UNSET : SpanStatusCode.ERROR);
}

function encodeAttributes(attributes: Attributes): Uint8Array {
  writeAttributes(scratch, ATTRIBUTES, attributes);
  return scratch.take();
}

function makeServer(event: HttpEvent): ServerBlock {
  return {
    address: event.server.address,
    attributes: {
      server: encodeAttributes(rules.serverAttributes(event, ORIGIN, "server")),
      client: encodeAttributes(rules.serverAttributes(event, ORIGIN, "client")),
    },
    url: Buffer.from(fullUrl(ORIGIN, rules.serverEndpoint(event, ORIGIN), undefined)),
  };
}

function makeClient(event: HttpEvent): ClientBlock {
  return { address: event.client.address, attributes: encodeAttributes(rules.clientAttributes(event, "server")) };
}

const encodeUserAgent = (event: HttpEvent): Uint8Array => encodeAttributes(rules.userAgentAttributes(event, "server"));

export { ATTRIBUTES, SpanBlocks, writeHead };
