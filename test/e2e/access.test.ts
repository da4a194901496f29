import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { endAll } from "./support/child.ts";
import { removeFolders, temporaryFolder } from "./support/nginx.ts";
import { RawSocket, requestText, UPGRADE_FIELDS } from "./support/raw-socket.ts";
import { type Recorded, startRecorded } from "./support/recorded.ts";

/** Each rule of who may ask is broken here, byte by byte, against the service as a user runs it. */

const LIMIT_MILLIS = 30_000;
const READ = "reader-0123456789";
const CONTROL = "control-0123456789";
const WRONG = "wrong-token-56789";
const EVIL = "Origin: https://evil.example";
const bearer = (token: string) => `Authorization: Bearer ${token}`;
const offer = (protocols: string) => `Sec-WebSocket-Protocol: ${protocols}`;

afterAll(async () => {
  await endAll();
  removeFolders();
}, LIMIT_MILLIS);

/** Everything that any answer said. */
let said = "";

async function ask({ url }: Recorded, text: string): Promise<[status: number | undefined, code: string]> {
  const socket = await RawSocket.connect(url);
  const answer = await socket.send(text).answer(!text.startsWith("HEAD"));
  socket.close();
  said += `${answer?.head}\n${answer?.body}\n`;
  return [answer?.status, /"code":"(\w+)"/.exec(answer?.body ?? "")?.[1] ?? ""];
}

type Attempt = [name: string, target: string, fields: string[], status: number, code: string];

describe("without tokens", () => {
  let open: Recorded;
  let port: string;
  beforeAll(async () => {
    open = await startRecorded();
    port = new URL(open.url).port;
  }, LIMIT_MILLIS);

  const refused: Attempt[] = [
    ["a WebSocket from another site's page", "GET /ws", [EVIL, ...UPGRADE_FIELDS], 403, "bad_origin"],
    ["the same, for a page without an origin", "GET /ws", ["Origin: null", ...UPGRADE_FIELDS], 403, "bad_origin"],
    ["the same, with an empty origin", "GET /ws", ["Origin:", ...UPGRADE_FIELDS], 403, "bad_origin"],
    ["a barrier from another site's page", "POST /sync", [EVIL], 403, "bad_origin"],
    ["a pause from another site's page", "PUT /protocols/http", [EVIL], 403, "bad_origin"],
    ["the ledger for another site's page", "GET /stats", [EVIL], 403, "bad_origin"],
    ["a page on another port of this machine", "GET /stats", ["Origin: http://127.0.0.1:1"], 403, "bad_origin"],
    [
      "a page of this machine by https",
      "GET /stats",
      ["Host: 127.0.0.1:4320", "Origin: https://127.0.0.1"],
      403,
      "bad_origin",
    ],
    [
      "the question before a request of another site",
      "OPTIONS /sync",
      [EVIL, "Access-Control-Request-Method: POST"],
      403,
      "bad_origin",
    ],
    ["a name that was made to point here", "GET /stats", ["Host: rebound.example"], 421, "bad_host"],
    ["the same with our port", "GET /ws", ["Host: rebound.example:4320", ...UPGRADE_FIELDS], 421, "bad_host"],
    [
      "the same, whose page then has that origin",
      "POST /sync",
      ["Host: a.example", "Origin: http://a.example"],
      421,
      "bad_host",
    ],
    ["a name that begins as an address", "GET /", ["Host: 127.0.0.1.example"], 421, "bad_host"],
    ["a name that ends as ours", "GET /", ["Host: notlocalhost"], 421, "bad_host"],
    ["a user before the name", "GET /", ["Host: 127.0.0.1@rebound.example"], 421, "bad_host"],
    ["an empty host", "GET /stats", ["Host:"], 421, "bad_host"],
    ["two hosts, the good one first", "GET /stats", ["Host: 127.0.0.1", "Host: rebound.example"], 421, "bad_host"],
    ["two hosts, the good one last", "GET /stats", ["Host: rebound.example", "Host: 127.0.0.1"], 421, "bad_host"],
    [
      "a target that names another host",
      "GET http://rebound.example/stats",
      ["Host: rebound.example"],
      421,
      "bad_host",
    ],
  ];
  test.each(refused)("%s is refused", async (_, target, fields, status, code) => {
    expect(await ask(open, requestText(target, fields))).toEqual([status, code]);
  });

  test("no host at all is refused", async () => {
    const [status] = await ask(open, "GET /stats HTTP/1.1\r\n\r\n");
    expect(status).toBeWithin(400, 500);
  });

  test.each(["127.0.0.1", "localhost", "[::1]", "app.localhost", "192.0.2.1"])(
    "our own page, asked for as %s, may do all",
    async (name) => {
      const fields = [`Host: ${name}:${port}`, `Origin: http://${name}:${port}`];
      expect(await ask(open, requestText("POST /sync", fields))).toEqual([200, ""]);
      expect(await ask(open, requestText("GET /ws", [...fields, ...UPGRADE_FIELDS]))).toEqual([101, ""]);
    },
  );
});

describe("with tokens", () => {
  let guarded: Recorded;
  beforeAll(async () => {
    const tokenFile = join(temporaryFolder(), "tokens");
    writeFileSync(tokenFile, `# who looks\nread ${READ}\ncontrol ${CONTROL}\n`, { mode: 0o600 });
    guarded = await startRecorded({ env: { KERNELCAST_TOKEN_FILE: tokenFile } });
  }, LIMIT_MILLIS);

  const attempts: Attempt[] = [
    ["none", "GET /stats", [], 401, "no_token"],
    ["an empty one", "GET /stats", ["Authorization: Bearer "], 401, "no_token"],
    ["one that is too short", "GET /stats", [bearer(READ.slice(0, -1))], 401, "bad_token"],
    ["one that is too long", "GET /stats", [bearer(`${READ}0`)], 401, "bad_token"],
    ["one of 10,000 characters", "GET /stats", [bearer("x".repeat(10_000))], 401, "bad_token"],
    ["one that is as long and wrong", "GET /stats", [bearer(WRONG)], 401, "bad_token"],
    ["one with other capitals", "GET /stats", [bearer(READ.toUpperCase())], 401, "bad_token"],
    ["a good one by another scheme", "GET /stats", [`Authorization: Basic ${btoa(`x:${READ}`)}`], 401, "no_token"],
    ["a good one as a cookie", "GET /stats", [`Cookie: token=${READ}`], 401, "no_token"],
    ["a wrong and a good one", "GET /stats", [bearer(WRONG), bearer(READ)], 401, "no_token"],
    ["a good one and another site", "GET /stats", [bearer(READ), EVIL], 403, "bad_origin"],
    ["a good one and a name that was made to point here", "GET /", [bearer(READ), "Host: a.example"], 421, "bad_host"],
    ["a good one in the URL", `GET /stats?token=${READ}`, [], 400, "token_in_url"],
    ["a good one in the URL and in the header", `GET /stats?access_token=${READ}`, [bearer(READ)], 400, "token_in_url"],
    ["a good one in a WebSocket's URL", `GET /ws?token=${READ}`, UPGRADE_FIELDS, 400, "token_in_url"],
    ["one to read, for a barrier", "POST /sync", [bearer(READ)], 403, "insufficient_scope"],
    ["one to read, for a pause", "PUT /protocols/http", [bearer(READ)], 403, "insufficient_scope"],
    ["one to read, for any other change", "DELETE /stats", [bearer(READ)], 403, "insufficient_scope"],
    ["none, for what does not exist", "GET /nothing", [], 401, "no_token"],
    ["none, with a path that is written another way", "GET //stats", [], 401, "no_token"],
    ["none, with a path that leads back", "GET /healthz/../stats", [], 401, "no_token"],
    ["none, for the ledger's head", "HEAD /stats", [], 401, ""],
    ["none, for a WebSocket", "GET /ws", UPGRADE_FIELDS, 401, "no_token"],
    ["a wrong one, for a WebSocket", "GET /ws", [...UPGRADE_FIELDS, bearer(WRONG)], 401, "bad_token"],
    [
      "a wrong one as subprotocol",
      "GET /ws",
      [...UPGRADE_FIELDS, offer(`kernelcast.token.${WRONG}`)],
      401,
      "bad_token",
    ],
    ["an empty one as subprotocol", "GET /ws", [...UPGRADE_FIELDS, offer("kernelcast.token.")], 401, "bad_token"],
    ["one to read", "GET /stats", [bearer(READ)], 200, ""],
    ["one to control, to read", "GET /metrics", [bearer(CONTROL)], 200, ""],
    ["one to control", "POST /sync", [bearer(CONTROL)], 200, ""],
    ["one to read, for a WebSocket", "GET /ws", [...UPGRADE_FIELDS, bearer(READ)], 101, ""],
    ["none, for the page", "GET /", [], 200, ""],
    ["none, for a probe", "GET /readyz", [], 200, ""],
  ];
  test.each(attempts)("%s: %s %j answers %d", async (_, target, fields, status, code) => {
    expect(await ask(guarded, requestText(target, fields))).toEqual([status, code]);
  });

  test("one as a WebSocket's subprotocol opens it, and is not said back", async () => {
    const socket = await RawSocket.connect(guarded.url);
    const protocols = offer(`kernelcast.token.${READ}, kernelcast.v1.json`);
    socket.send(requestText("GET /ws", [...UPGRADE_FIELDS, protocols]));
    await socket.until(() => socket.text.includes('"type":"hello"'));
    const { status, head } = (await socket.answer()) ?? { status: 0, head: "" };
    socket.close();
    expect([status, /^sec-websocket-protocol: *(.*)$/im.exec(head)?.[1]]).toEqual([101, "kernelcast.v1.json"]);
    said += socket.text;
  });

  test("no token is in any answer, in the ledger, the metrics, the description, the log or the command line", async () => {
    for (const path of ["/stats", "/metrics", "/openapi.json"]) {
      const response = await fetch(guarded.url + path, { headers: { Authorization: `Bearer ${READ}` } });
      expect(response.status).toBe(200);
      said += await response.text();
    }
    await guarded.process.stop();
    const { stdout, stderr, argv } = guarded.process;
    for (const secret of [READ, CONTROL, WRONG]) expect(said + stdout + stderr + argv.join(" ")).not.toContain(secret);
    expect(stderr).toBe("");
  });
});

test("who guesses is slowed down, and nobody who knows", async () => {
  const tokenFile = join(temporaryFolder(), "tokens");
  writeFileSync(tokenFile, `read ${READ}\n`, { mode: 0o600 });
  const { url } = await startRecorded({ flags: ["--token-file", tokenFile] });
  const ask = async (token: string) =>
    (await fetch(`${url}/stats`, { headers: { Authorization: `Bearer ${token}` } })).status;
  const statuses: number[] = [];
  const guesser = async (first: number) => {
    for (let guess = 0; guess < 8; guess++) statuses.push(await ask(`guess-number-${first + guess + 1_000_000}`));
  };
  const began = performance.now();
  const guessing = Promise.all(Array.from({ length: 8 }, (_, index) => guesser(index * 100)));
  while (!statuses.includes(429)) expect(await ask(READ)).toBe(200);
  await guessing;
  const seconds = (performance.now() - began) / 1000;
  // 20 at once and one a second are looked at; of all others each connection has one a second.
  expect(statuses.filter((status) => status === 401).length).toBeWithin(20, 22 + seconds);
  expect(seconds).toBeGreaterThan((64 - 22 - seconds) / 8 - 1);
  expect(statuses).toHaveLength(64);
});

test("who guesses on one connection without waiting for answers loses it", async () => {
  const tokenFile = join(temporaryFolder(), "tokens");
  writeFileSync(tokenFile, `read ${READ}\n`, { mode: 0o600 });
  const { url } = await startRecorded({ flags: ["--token-file", tokenFile] });
  const socket = await RawSocket.connect(url);
  socket.send(requestText("GET /stats", [bearer(WRONG)]).repeat(100));
  await socket.ended;
  expect(socket.text.split("HTTP/1.1 401").length - 1).toBeWithin(0, 22);
  expect(socket.text).not.toContain("HTTP/1.1 429");
});
