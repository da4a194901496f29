import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import type { Stats } from "../../server/schema.ts";
import { Random } from "../ffi/support/random.ts";
import { endAll } from "./support/child.ts";
import { RawSocket, requestText, UPGRADE_FIELDS } from "./support/raw-socket.ts";
import { type Recorded, startRecorded } from "./support/recorded.ts";
import { closeOf, OPCODE, webSocketFrame } from "./support/web-socket-frame.ts";

/** What breaks HTTP and WebSocket, against the service as a user runs it: it answers or closes, and keeps nothing of it. */

const LIMIT_MILLIS = 30_000;
const FUZZ_MILLIS = 3000;
const FUZZ_PARALLEL = 32;
/** Of the sum of all, after all: more than what one start differs from another, less than a leak of a kilobyte each. */
const GROWTH_MAX_MIB = 48;
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);

let service: Recorded;
let residentMib = 0;
let descriptors = 0;

const resident = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.process.pid}/status`, "utf8"))?.[1]) / 1024;
const open = () => readdirSync(`/proc/${service.process.pid}/fd`).length;
const stats = async () => (await (await fetch(`${service.url}/stats`)).json()) as Stats;

beforeAll(async () => {
  service = await startRecorded();
  await stats();
  residentMib = resident();
  descriptors = open();
}, LIMIT_MILLIS);

afterAll(endAll, LIMIT_MILLIS);

async function subscriber(): Promise<RawSocket> {
  const socket = await RawSocket.connect(service.url);
  socket.send(requestText("GET /ws", UPGRADE_FIELDS));
  await socket.until(() => socket.text.includes('"type":"hello"'));
  return socket.clear();
}

const text = (shape: Partial<Parameters<typeof webSocketFrame>[0]> = {}) =>
  webSocketFrame({ opcode: OPCODE.text, payload: "hello", ...shape });
const close = (...payload: number[]) => webSocketFrame({ opcode: OPCODE.close, payload: Uint8Array.from(payload) });

/** RFC 6455 section 7.4.1. */
const CODES = { normal: 1000, protocol: 1002, notText: 1007, tooBig: 1009 } as const;

const breaches: [name: string, bytes: Buffer, code: number][] = [
  ["a frame without a mask", text({ masked: false }), CODES.protocol],
  ["an opcode that is not defined", text({ opcode: 3 }), CODES.protocol],
  ["a control opcode that is not defined", text({ opcode: 11 }), CODES.protocol],
  ["the first reserved bit, without compression", text({ reserved: 4 }), CODES.protocol],
  ["the second reserved bit", text({ reserved: 2 }), CODES.protocol],
  ["the third reserved bit", text({ reserved: 1 }), CODES.protocol],
  ["a message that is too long", text({ payload: "x".repeat(16 * 1024 + 1) }), CODES.tooBig],
  ["one that says it is longer than any memory", text({ length: 1n << 40n }), CODES.tooBig],
  ["a length below zero", text({ length: (1n << 64n) - 1n }), CODES.tooBig],
  [
    "fragments that are too long together",
    Buffer.concat(
      Array.from({ length: 40 }, (_, index) =>
        text({ opcode: index === 0 ? 1 : 0, fin: false, payload: "x".repeat(500) }),
      ),
    ),
    CODES.tooBig,
  ],
  ["a ping in fragments", webSocketFrame({ opcode: OPCODE.ping, fin: false }), CODES.protocol],
  ["a ping of 126 bytes", webSocketFrame({ opcode: OPCODE.ping, payload: "x".repeat(126) }), CODES.protocol],
  ["a continuation of nothing", webSocketFrame({ opcode: OPCODE.continuation }), CODES.protocol],
  ["a message within a message", Buffer.concat([text({ fin: false }), text()]), CODES.protocol],
  ["text that is no UTF-8", text({ payload: Uint8Array.of(0xc3, 0x28) }), CODES.notText],
  ["text that is a surrogate", text({ payload: Uint8Array.of(0xed, 0xa0, 0x80) }), CODES.notText],
  [
    "text that is UTF-8 of more than Unicode has",
    text({ payload: Uint8Array.of(0xf4, 0x90, 0x80, 0x80) }),
    CODES.notText,
  ],
  ["a close of one byte", close(3), CODES.protocol],
  ["a close with a code that must not be sent", close(0x03, 0xed), CODES.protocol],
  ["a close whose reason is no UTF-8", close(0x03, 0xe8, 0xff), CODES.notText],
  ["a close", close(0x03, 0xe8), CODES.normal],
];

describe("a WebSocket that sends", () => {
  test.each(breaches)("%s is closed and told why", async (_, bytes, code) => {
    const socket = await subscriber();
    await socket.send(bytes).ended;
    expect(closeOf(socket.received)?.code).toBe(code);
  });

  const fine: [name: string, bytes: Buffer, answers: string[]][] = [
    ["a ping", webSocketFrame({ opcode: OPCODE.ping, payload: "are you there" }), ["\x8a\x0dare you there"]],
    [
      "a message in fragments, a ping between",
      Buffer.concat([
        text({ fin: false }),
        webSocketFrame({ opcode: OPCODE.ping }),
        text({ opcode: OPCODE.continuation }),
      ]),
      ["\x8a\x00", "hellohello"],
    ],
    ["a length in more bytes than it needs", text({ lengthBytes: 8 }), ['"type":"error"', "hello"]],
  ];
  test.each(fine)("%s is answered, and goes on", async (_, bytes, answers) => {
    const socket = await subscriber();
    socket.send(bytes);
    await socket.until(() => answers.every((answer) => socket.text.includes(answer)));
    expect(socket.isEnded).toBe(false);
    socket.close();
    await socket.ended;
  });

  test.each([1, 2, 5, 6, 8])("only %d bytes of a frame, and then nothing, costs the others nothing", async (length) => {
    const socket = await subscriber();
    socket.send(text().subarray(0, length)).close();
    await socket.ended;
    expect(closeOf(socket.received)).toBeUndefined();
  });
});

const broken: [name: string, text: string, status: number][] = [
  ["a line that is none", "hello\r\n\r\n", 400],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["a version that is none", "GET /healthz HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n", 505],
  ["a zero within a field", requestText("GET /healthz", ["X-A: a\0b"]), 400],
  ["a blank before a colon", requestText("GET /healthz", ["X-A : a"]), 400],
  ["a field without a colon", requestText("GET /healthz", ["X-A"]), 400],
  ["a length that is none", requestText("POST /sync", ["Content-Length: -1"]), 400],
  ["two lengths", requestText("POST /sync", ["Content-Length: 1", "Content-Length: 2"]), 400],
  ["a length and chunks", requestText("POST /sync", ["Content-Length: 3", "Transfer-Encoding: chunked"]), 400],
  ["an encoding that is not known", requestText("POST /sync", ["Transfer-Encoding: gzip"]), 400],
  [
    "a chunk whose size is none",
    `${requestText("PUT /protocols/http", ["Content-Type: application/json", "Transfer-Encoding: chunked"])}zz\r\n`,
    400,
  ],
  ["a body that is too long", requestText("PUT /protocols/http", ["Content-Length: 65537"]), 413],
  ["one that is endless", requestText("POST /sync", ["Content-Length: 99999999999999"]), 413],
  [
    "chunks that are too long together",
    `${requestText("PUT /protocols/http", ["Content-Type: application/json", "Transfer-Encoding: chunked"])}${`4000\r\n${"x".repeat(0x4000)}\r\n`.repeat(5)}`,
    413,
  ],
  ["a field that is too long", requestText("GET /healthz", [`X-A: ${"x".repeat(20_000)}`]), 431],
  [
    "too many fields",
    requestText(
      "GET /healthz",
      Array.from({ length: 500 }, (_, index) => `X-${index}: 1`),
    ),
    431,
  ],
  ["a target that is too long", requestText(`GET /${"x".repeat(20_000)}`), 431],
  ["an upgrade to an old WebSocket", requestText("GET /ws", [...UPGRADE_FIELDS, "Sec-WebSocket-Version: 8"]), 426],
  ["an upgrade without a key", requestText("GET /ws", UPGRADE_FIELDS.slice(0, 3)), 426],
  [
    "an upgrade with a short key",
    requestText("GET /ws", [...UPGRADE_FIELDS.slice(0, 3), "Sec-WebSocket-Key: eA=="]),
    426,
  ],
  ["an upgrade by POST", requestText("POST /ws", UPGRADE_FIELDS), 405],
];

describe("a client that sends", () => {
  test.each(broken)("%s is answered %j %d", async (_, bytes, status) => {
    const socket = await RawSocket.connect(service.url);
    expect((await socket.send(bytes).answer())?.status).toBe(status);
    socket.close();
  });
});

/** Beginnings that lead fuzz somewhere. */
const BEGINNINGS = [
  "",
  requestText("GET /stats").slice(0, -2),
  requestText("POST /sync", ["Transfer-Encoding: chunked"]),
  requestText("PUT /protocols/http", ["Content-Type: application/json", "Content-Length: 40"]),
  requestText("GET /ws?status=5xx&path=/a/**&since=10s").slice(0, -2),
  requestText("GET /events?since=0"),
  requestText("GET /events", ["Accept: text/event-stream"]).slice(0, -2),
  requestText("GET /ws", UPGRADE_FIELDS),
];
const WORDS = [
  "GET ",
  "HTTP/1.1",
  "\r\n",
  "\r\n\r\n",
  "Host:",
  ": ",
  "%00",
  "?",
  "Content-Length: ",
  "chunked",
  "\x81\xfe",
  '{"type":',
  "\0",
  "\xff",
];

const pick = (texts: readonly string[], random: Random): string => texts[random.below(texts.length)] as string;

/** Changes, repeats and drops bytes, and strews words in. */
function mutate(text: string, random: Random): Buffer {
  const bytes = [...Buffer.from(text, "latin1")];
  for (let changes = random.below(8); changes > 0; changes--) {
    const at = random.below(bytes.length + 1);
    const kind = random.below(4);
    if (kind === 0) bytes[at] = random.below(256);
    else if (kind === 1) bytes.splice(at, random.below(16));
    else if (kind === 2) bytes.splice(at, 0, ...Buffer.from(pick(WORDS, random), "latin1"));
    else bytes.splice(at, 0, ...Array.from({ length: random.below(200) }, () => random.below(256)));
  }
  return Buffer.from(bytes);
}

test(
  `what is random is answered or closed (seed ${SEED})`,
  async () => {
    const random = new Random(SEED);
    const endMillis = performance.now() + FUZZ_MILLIS;
    let sent = 0;
    const worker = async () => {
      while (performance.now() < endMillis) {
        const socket = await RawSocket.connect(service.url);
        const rounds = 1 + random.below(3);
        for (let round = 0; round < rounds; round++) socket.send(mutate(pick(BEGINNINGS, random), random));
        sent++;
        // Some wait for an answer, which may never come; the others leave in the middle.
        if (random.below(2) === 0)
          await Promise.race([socket.until(() => socket.text !== "" || socket.isEnded), Bun.sleep(20)]);
        if (random.below(2) === 0) socket.abort();
        else socket.close();
      }
    };
    await Promise.all(Array.from({ length: FUZZ_PARALLEL }, worker));
    expect(sent).toBeGreaterThan(500);
  },
  LIMIT_MILLIS,
);

test(
  "after all of it the service is whole, has said nothing, and holds nothing",
  async () => {
    let now = await stats();
    while (now.subscribers.connected > 0 || open() > descriptors + 2) {
      await Bun.sleep(10);
      now = await stats();
    }
    expect(now).toMatchObject({ balanced: true, imbalances: [], enabled: ["http"] });
    expect(resident() - residentMib).toBeLessThan(GROWTH_MAX_MIB);
    expect(service.process.stderr).toBe("");
  },
  LIMIT_MILLIS,
);
