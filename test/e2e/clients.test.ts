import { afterAll, beforeAll, expect, test } from "bun:test";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HttpEvent } from "../../ffi/event.ts";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx, temporaryFolder } from "./support/nginx.ts";
import { Service } from "./support/service.ts";
import type { Subscriber } from "./support/subscriber.ts";

const LIMIT_MILLIS = 30_000;
const LARGE_BYTES = 10 * 1024 * 1024;
const ORIGIN = "http://127.0.0.1:8080";

let network: Network;
let service: Service;
let subscriber: Subscriber;
let large: string;
let backend: string;

/** What an action makes the subscriber see: `method path status outcome`, and the server's port where it is not nginx's. */
async function eventsBy(action: () => Promise<unknown>): Promise<HttpEvent[]> {
  const before = subscriber.events.length;
  await action();
  const { id } = await service.sync();
  await subscriber.synced(id);
  return subscriber.eventsByStart.slice(before);
}

const lineOf = ({ method, path, status, version, outcome }: HttpEvent) =>
  `${method} ${path} HTTP/${version} ${status} ${outcome}`;

const curl = (...args: string[]) =>
  network.output("curl", "--silent", "--show-error", "--output", "/dev/null", ...args);

describeKernel("real clients and servers", () => {
  beforeAll(async () => {
    const folder = temporaryFolder();
    large = join(folder, "large.bin");
    writeFileSync(large, "");
    truncateSync(large, LARGE_BYTES);
    network = await Network.open();
    const echo = network.program("web-socket-server");
    [backend] = (await echo.match(/127\.0\.0\.1:\d+/)) as [string];
    await startNginx(
      network,
      `
      client_max_body_size 0;
      gzip on; gzip_min_length 1; gzip_types application/octet-stream; default_type application/octet-stream;
      server {
        listen 127.0.0.1:8080; listen [::1]:8080;
        root ${folder};
        location /take/ { return 201; }
        location /none/ { return 444; }
        location /chat { proxy_pass http://${backend}; proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }
        location /to/ { proxy_pass http://${backend}; client_body_buffer_size 16k; }
      }`,
    );
    service = await Service.start(network);
    subscriber = await service.subscribe();
  }, LIMIT_MILLIS);
  afterAll(async () => {
    await endAll();
    removeFolders();
  }, LIMIT_MILLIS);

  /** What curl is told, and what is seen of it. */
  const exchanges: [name: string, args: () => string[], lines: string[]][] = [
    ["HEAD", () => ["--head", `${ORIGIN}/large.bin`], ["HEAD /large.bin HTTP/1.1 200 complete"]],
    ["HTTP/1.0", () => ["--http1.0", `${ORIGIN}/large.bin`], ["GET /large.bin HTTP/1.0 200 complete"]],
    [
      "a compressed body in chunks, and another request on the same connection",
      () => ["--compressed", `${ORIGIN}/large.bin`, "--output", "/dev/null", `${ORIGIN}/take/1`],
      ["GET /large.bin HTTP/1.1 200 complete", "GET /take/1 HTTP/1.1 201 complete"],
    ],
    [
      "10 MB down, and another request on the same connection",
      () => [`${ORIGIN}/large.bin`, "--output", "/dev/null", `${ORIGIN}/take/2`],
      ["GET /large.bin HTTP/1.1 200 complete", "GET /take/2 HTTP/1.1 201 complete"],
    ],
    ["a part of a file", () => ["--range", "5-9", `${ORIGIN}/large.bin`], ["GET /large.bin HTTP/1.1 206 complete"]],
    [
      "a small body sent only after 100 Continue",
      () => ["-H", "Expect: 100-continue", "--data", "x=1", `http://${backend}/continue`],
      ["POST /continue HTTP/1.1 200 complete"],
    ],
    ["a server that closes without an answer", () => [`${ORIGIN}/none/`], ["GET /none/ HTTP/1.1 0 closed"]],
    [
      "a name that is no path",
      () => ["--request-target", "*", "-X", "OPTIONS", ORIGIN],
      ["OPTIONS * HTTP/1.1 400 complete"],
    ],
    [
      "a path longer than is kept",
      () => [`${ORIGIN}/take/${"x".repeat(300)}`],
      [`GET /take/${"x".repeat(218)} HTTP/1.1 201 complete`],
    ],
  ];
  test.each(exchanges)(
    "curl: %s",
    async (_name, args, lines) => {
      const events = await eventsBy(() => curl(...args()).catch(ignoreEmptyReply));
      expect(events.map(lineOf)).toEqual(lines);
      expect(events.every(({ pathTruncated }, index) => pathTruncated === (lines[index] ?? "").includes("xxxx"))).toBe(
        true,
      );
    },
    LIMIT_MILLIS,
  );

  // A header line cut at the end of the first window is taken for a cut start line: the path ends in " HTTP/1.1".
  test(
    "a long cookie leaves the path as it is",
    async () => {
      const events = await eventsBy(() => curl("-H", `Cookie: a=${"x".repeat(6000)}`, `${ORIGIN}/take/cookie`));
      expect(events.map(lineOf)).toEqual(["GET /take/cookie HTTP/1.1 201 complete"]);
    },
    LIMIT_MILLIS,
  );

  test(
    "10 MB up through a proxy is one transaction on either side of it",
    async () => {
      const events = await eventsBy(() => curl("--data-binary", `@${large}`, `${ORIGIN}/to/upload`));
      expect(events.map((event) => `${event.server.port === 8080 ? "front" : "back"}: ${lineOf(event)}`)).toEqual([
        "front: POST /to/upload HTTP/1.1 200 complete",
        "back: POST /to/upload HTTP/1.0 200 complete",
      ]);
      const [front, back] = events as [HttpEvent, HttpEvent];
      expect(front.durationNano).toBeGreaterThan(back.durationNano);
    },
    LIMIT_MILLIS,
  );

  test(
    "a WebSocket through a proxy is upgraded on either side of it, and its messages are no events",
    async () => {
      const events = await eventsBy(async () => {
        const client = network.program("web-socket-client", ["ws://127.0.0.1:8080/chat"]);
        expect(await client.outcome()).toEqual({
          stdout: "GET / HTTP/1.1\r\nHost: h\r\n\r\n\n",
          stderr: "",
          exitCode: 0,
        });
      });
      expect(events.map(lineOf).sort()).toEqual(["GET /chat HTTP/1.1 101 upgraded", "GET /chat HTTP/1.1 101 upgraded"]);
      expect(new Set(events.map(({ server }) => server.port)).size).toBe(2);
    },
    LIMIT_MILLIS,
  );

  test(
    "the query is left out of the path, wherever the client puts it",
    async () => {
      const events = await eventsBy(() =>
        curl(
          "--get",
          "--data",
          "token=secret",
          `${ORIGIN}/take/q`,
          "--next",
          ...["--silent", "--output", "/dev/null", "--request-target", `${ORIGIN}/take/absolute?token=secret`, ORIGIN],
        ),
      );
      expect(JSON.stringify(events)).not.toContain("secret");
      expect(events.map(({ path }) => path)).toEqual(["/take/q", `${ORIGIN}/take/absolute`]);
    },
    LIMIT_MILLIS,
  );

  test(
    "with --capture-query it is reported apart from the path",
    async () => {
      const other = await Service.start(network, { flags: ["--capture-query"] });
      const listening = await other.subscribe();
      await curl(`${ORIGIN}/take/q?a=1&b=%20`);
      const { id } = await other.sync();
      await listening.synced(id);
      const seen = listening.events.filter(({ path }) => path.startsWith("/take/"));
      expect(seen.map(({ path, query }) => [path, query])).toEqual([["/take/q", "a=1&b=%20"]]);
      await other.stop();
    },
    LIMIT_MILLIS,
  );

  test(
    "after all of these the ledger balances, with nothing dropped",
    async () => {
      const { imbalances, protocols } = await service.stats();
      expect({ imbalances, dropped: protocols.http?.dropped }).toEqual({ imbalances: [], dropped: {} });
    },
    LIMIT_MILLIS,
  );
});

/** curl ends with 52 when the server gives no answer at all, which one exchange is about. */
function ignoreEmptyReply(error: Error): void {
  if (!error.message.includes("ended with 52")) throw error;
}
