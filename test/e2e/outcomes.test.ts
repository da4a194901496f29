import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { HttpEvent } from "../../ffi/event.ts";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { Service } from "./support/service.ts";
import type { Subscriber } from "./support/subscriber.ts";
import { head, type Played, playWire, type Step } from "./support/wire.ts";

const LIMIT_MILLIS = 20_000;

const GET = head("GET /a HTTP/1.1", "Host: h");
const OK_3 = `${head("HTTP/1.1 200 OK", "Content-Length: 3")}abc`;
const END = { do: "end" } as const;
const RESET = { do: "reset" } as const;

/** What is left of an event: method, path, status, outcome. */
type Row = [method: string, path: string, status: number, outcome: HttpEvent["outcome"]];
type Case = [name: string, steps: Step[], events: Row[]];

let network: Network;
let service: Service;
let subscriber: Subscriber;

async function begin(flags: string[]): Promise<void> {
  network = await Network.open();
  service = await Service.start(network, { flags });
  subscriber = await service.subscribe();
}

function eventsOf({ clientPort, serverPort }: Played): HttpEvent[] {
  return subscriber.eventsByStart.filter(
    ({ client, server }) => client.port === clientPort && server.port === serverPort,
  );
}

const rowOf = ({ method, path, status, outcome }: HttpEvent): Row => [method, path, status, outcome];

async function synced(): Promise<void> {
  const { id } = await service.sync();
  await subscriber.synced(id);
}

const messages: Case[] = [
  [
    "a body of known length ends the transaction with its last byte",
    [
      ["client", GET],
      ["server", head("HTTP/1.1 200 OK", "Content-Length: 6")],
      ["server", "abc"],
      ["server", "def"],
    ],
    [["GET", "/a", 200, "complete"]],
  ],
  [
    "a head in three packets is one head",
    [
      ["client", "GET /a/long/path "],
      ["client", "HTTP/1.1\r\nHo"],
      ["client", "st: h\r\n\r\n"],
      ["server", "HTTP/1.1 20"],
      ["server", "1 Created\r\nContent-Le"],
      ["server", "ngth: 0\r\n\r\n"],
    ],
    [["GET", "/a/long/path", 201, "complete"]],
  ],
  [
    "chunks end with the empty one, and trailers belong to it",
    [
      ["client", GET],
      ["server", head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")],
      ["server", "3\r\nabc\r\n"],
      ["server", "a;name=value\r\n0123456789\r"],
      ["server", "\n0\r\nDigest: x\r\n"],
      ["server", "\r\n"],
      ["client", GET],
      ["server", OK_3],
    ],
    [
      ["GET", "/a", 200, "complete"],
      ["GET", "/a", 200, "complete"],
    ],
  ],
  [
    "a request in chunks is followed by the next one",
    [
      ["client", `${head("POST /up HTTP/1.1", "Host: h", "Transfer-Encoding: chunked")}4\r\nGET \r\n`],
      ["client", "0\r\n\r\n"],
      ["server", OK_3],
      ["client", GET],
      ["server", OK_3],
    ],
    [
      ["POST", "/up", 200, "complete"],
      ["GET", "/a", 200, "complete"],
    ],
  ],
  [
    "the length in an answer to HEAD announces no body",
    [
      ["client", head("HEAD /a HTTP/1.1", "Host: h")],
      ["server", head("HTTP/1.1 200 OK", "Content-Length: 1000")],
      ["client", GET],
      ["server", OK_3],
    ],
    [
      ["HEAD", "/a", 200, "complete"],
      ["GET", "/a", 200, "complete"],
    ],
  ],
  [
    "204 and 304 have no body, whatever their heads say",
    [
      ["client", GET],
      ["server", head("HTTP/1.1 204 No Content")],
      ["client", GET],
      ["server", head("HTTP/1.1 304 Not Modified", "Content-Length: 1000")],
      ["client", GET],
      ["server", OK_3],
    ],
    [
      ["GET", "/a", 204, "complete"],
      ["GET", "/a", 304, "complete"],
      ["GET", "/a", 200, "complete"],
    ],
  ],
  [
    "100 and 103 are not the response",
    [
      ["client", head("PUT /a HTTP/1.1", "Host: h", "Content-Length: 3", "Expect: 100-continue")],
      ["server", head("HTTP/1.1 100 Continue")],
      ["client", "abc"],
      ["server", head("HTTP/1.1 103 Early Hints", "Link: </x>")],
      ["server", OK_3],
    ],
    [["PUT", "/a", 200, "complete"]],
  ],
  [
    "101 ends the transaction, and what follows is not HTTP even if it looks like it",
    [
      ["client", head("GET /chat HTTP/1.1", "Host: h", "Connection: Upgrade", "Upgrade: websocket")],
      ["server", head("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket")],
      ["client", GET],
      ["server", OK_3],
    ],
    [["GET", "/chat", 101, "upgraded"]],
  ],
  [
    "a response without a length ends with the connection, as in HTTP/1.0",
    [
      ["client", head("GET /old HTTP/1.0")],
      ["server", `${head("HTTP/1.0 200 OK", "Content-Type: text/plain")}some`],
      ["server", "more"],
      ["server", END],
    ],
    [["GET", "/old", 200, "complete"]],
  ],
  [
    "the answer may begin before the request's body has ended",
    [
      ["client", `${head("POST /up HTTP/1.1", "Host: h", "Content-Length: 6")}abc`],
      ["server", head("HTTP/1.1 413 Content Too Large", "Content-Length: 0")],
      ["client", "def"],
      ["client", GET],
      ["server", OK_3],
    ],
    [
      ["POST", "/up", 413, "complete"],
      ["GET", "/a", 200, "complete"],
    ],
  ],
];

const endings: Case[] = [
  [
    "the server's FIN instead of an answer",
    [
      ["client", GET],
      ["server", END],
    ],
    [["GET", "/a", 0, "closed"]],
  ],
  [
    "the server's FIN within a body of known length",
    [
      ["client", GET],
      ["server", `${head("HTTP/1.1 200 OK", "Content-Length: 1000")}abc`],
      ["server", END],
    ],
    [["GET", "/a", 200, "closed"]],
  ],
  [
    "the server's FIN within chunks",
    [
      ["client", GET],
      ["server", `${head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")}5\r\nabc`],
      ["server", END],
    ],
    [["GET", "/a", 200, "closed"]],
  ],
  [
    "the server's reset instead of an answer",
    [
      ["client", GET],
      ["server", RESET],
    ],
    [["GET", "/a", 0, "reset"]],
  ],
  [
    "the client's reset instead of an answer",
    [
      ["client", GET],
      ["client", RESET],
    ],
    [["GET", "/a", 0, "reset"]],
  ],
  [
    "a reset within the body",
    [
      ["client", GET],
      ["server", `${head("HTTP/1.1 500 Oh", "Content-Length: 1000")}abc`],
      ["server", RESET],
    ],
    [["GET", "/a", 500, "reset"]],
  ],
  [
    "the next request after an answer whose end could not be told",
    [
      ["client", head("GET /first HTTP/1.1", "Host: h")],
      ["server", head("HTTP/1.1 201 Created")],
      ["client", head("GET /second HTTP/1.1", "Host: h")],
      ["server", OK_3],
    ],
    [
      ["GET", "/first", 201, "superseded"],
      ["GET", "/second", 200, "complete"],
    ],
  ],
  [
    "nothing, when the next request comes before the answer: answers come in the order of requests",
    [
      ["client", head("GET /first HTTP/1.1", "Host: h")],
      ["client", head("HEAD /second HTTP/1.1", "Host: h")],
      ["server", `${OK_3}${head("HTTP/1.1 200 OK", "Content-Length: 3")}`],
    ],
    [
      ["GET", "/first", 200, "complete"],
      ["HEAD", "/second", 200, "complete"],
    ],
  ],
  [
    "the client's FIN ends nothing while the answer is still to come",
    [
      ["client", GET],
      ["client", END],
      ["server", OK_3],
      ["server", END],
    ],
    [["GET", "/a", 200, "complete"]],
  ],
  [
    "a whole transaction is not ended a second time by FIN or reset",
    [
      ["client", GET],
      ["server", OK_3],
      ["server", END],
      ["client", RESET],
    ],
    [["GET", "/a", 200, "complete"]],
  ],
];

const foreign: Case[] = [
  [
    "a protocol that is not HTTP",
    [
      ["client", "EHLO example.org and more\r\n"],
      ["server", "250 welcome\r\n"],
    ],
    [],
  ],
  [
    "a response that nobody asked for",
    [
      ["server", OK_3],
      ["client", "what is this? I did not ask"],
    ],
    [],
  ],
];

describeKernel("over real connections", () => {
  beforeAll(() => begin([]), LIMIT_MILLIS);
  afterAll(endAll);

  async function expectRows(steps: Step[], rows: Row[], host?: string): Promise<void> {
    const played = await playWire(network, steps, host);
    await synced();
    const events = eventsOf(played);
    expect(events.map(rowOf)).toEqual(rows);
    await played.process.stop("SIGKILL");
    // Nothing comes late: neither by the end of the connection nor by anything after it.
    await synced();
    expect(eventsOf(played)).toEqual(events);
  }

  describe("what is a message", () => {
    test.each(messages)("%s", (_name, steps, rows) => expectRows(steps, rows), LIMIT_MILLIS);
  });
  describe("what ends a transaction early", () => {
    test.each(endings)("%s", (_name, steps, rows) => expectRows(steps, rows), LIMIT_MILLIS);
  });
  describe("over IPv6 too", () => {
    test.each(endings)("%s", (_name, steps, rows) => expectRows(steps, rows, "::1"), LIMIT_MILLIS);
  });
  describe("no event comes of", () => {
    test.each(foreign)("%s", (_name, steps, rows) => expectRows(steps, rows), LIMIT_MILLIS);
  });

  test(
    "headers behind a line that is too long to be kept, in a later packet, are read",
    async () => {
      const played = await playWire(network, [
        ["client", `GET /late HTTP/1.1\r\nCookie: ${"x".repeat(3000)}`],
        ["client", `${"y".repeat(3000)}\r\nUser-Agent: probe\r\nHos`],
        ["client", "t: late.example\r\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n"],
        ["server", OK_3],
      ]);
      await synced();
      expect(eventsOf(played)).toEqual([
        expect.objectContaining({
          status: 200,
          host: "late.example",
          userAgent: "probe",
          traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        }),
      ]);
    },
    LIMIT_MILLIS,
  );

  // The filter takes no connection whose first packet has fewer than 16 bytes, and nothing counts what it misses.
  test(
    "a first packet of a few bytes begins a request too",
    () =>
      expectRows(
        [
          ["client", "GET /a HT"],
          ["client", "TP/1.1\r\nHost: h\r\n\r\n"],
          ["server", OK_3],
        ],
        [["GET", "/a", 200, "complete"]],
      ),
    LIMIT_MILLIS,
  );

  test("after all of these the ledger balances, with nothing dropped", async () => {
    const { balanced, imbalances, protocols } = await service.stats();
    expect({ balanced, imbalances, dropped: protocols.http?.dropped }).toEqual({
      balanced: true,
      imbalances: [],
      dropped: {},
    });
  });
});

describeKernel("with an idle time-out of a second", () => {
  beforeAll(() => begin(["--idle-timeout-seconds=1"]), LIMIT_MILLIS);
  afterAll(endAll);
  afterEach(async () => {
    expect((await service.stats()).imbalances).toEqual([]);
  });

  const silences: Case[] = [
    ["a request that nobody answers", [["client", GET]], [["GET", "/a", 0, "timeout"]]],
    [
      "a body that stops half-way",
      [
        ["client", GET],
        ["server", `${head("HTTP/1.1 200 OK", "Content-Length: 1000")}abc`],
      ],
      [["GET", "/a", 200, "timeout"]],
    ],
  ];
  test.each(silences)(
    "%s ends as timeout, after the time-out and once",
    async (_name, steps, rows) => {
      const began = Date.now();
      const played = await playWire(network, steps);
      await subscriber.until((frame) => frame.type === "batch" && eventsOf(played).length > 0);
      expect(Date.now() - began).toBeGreaterThanOrEqual(1000);
      await synced();
      expect(eventsOf(played).map(rowOf)).toEqual(rows);
      await played.process.stop("SIGKILL");
      await synced();
      expect(eventsOf(played)).toHaveLength(rows.length);
    },
    LIMIT_MILLIS,
  );

  test(
    "a kept connection that is silent between transactions makes no event, and its next request is seen",
    async () => {
      const quiet = await playWire(network, [
        ["client", GET],
        ["server", OK_3],
      ]);
      // A request that times out after it: by then the quiet connection has been given up as well.
      const marker = await playWire(network, [["client", GET]]);
      await subscriber.until((frame) => frame.type === "batch" && eventsOf(marker).length > 0);
      await synced();
      expect(eventsOf(quiet).map(rowOf)).toEqual([["GET", "/a", 200, "complete"]]);
    },
    LIMIT_MILLIS,
  );
});
