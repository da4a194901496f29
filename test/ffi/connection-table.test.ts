import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import type { Subprocess } from "bun";
import { KernelCapture } from "../../ffi/capture.ts";
import type { ObservedEvent } from "../../ffi/event.ts";
import { describeKernel } from "../kernel.ts";

const ANSWER = "HTTP/1.1 204 No Content\r\n\r\n";
/** The least that there can be. */
const CONNECTIONS_MAX = 64;
/** A CPU has 8 pages of 16 events. */
const HUNG = 500;

/**
 * A process of its own, since our own connections are left out. A line `N PATH` asks for a path on connection N, which is
 * opened if there is none; the answer to it is the path. `N` alone ends that connection.
 */
const CLIENT = `
const sockets = new Map();
for await (const line of console) {
  const [number, path] = line.split(" ");
  if (path === undefined) sockets.get(number).destroy();
  else {
    let socket = sockets.get(number);
    if (socket === undefined) {
      socket = require("net").connect({ port: Number(process.argv[1]), host: "127.0.0.1", noDelay: true });
      sockets.set(number, socket);
    }
    socket.write("GET " + path + " HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n");
    if (!path.includes("never")) await new Promise((resolve) => socket.once("data", resolve));
    console.log(path);
  }
}
`;

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

describeKernel("the table of connections", () => {
  const seen: ObservedEvent[] = [];
  let capture: KernelCapture;
  let server: Server;
  let client: Subprocess<"pipe", "pipe", "inherit">;
  let answers: AsyncIterator<string>;

  beforeAll(async () => {
    capture = new KernelCapture(
      { sharedRingBytes: 1 << 20, ringBytes: 1 << 16, connectionsMax: CONNECTIONS_MAX, idleTimeoutMillis: 60_000 },
      [{ offer: (batch) => void seen.push(...batch) }],
    );
    await capture.start();
    server = createServer((socket) => {
      // A path that ends in "never" is not answered.
      socket.on("data", (request) => {
        if (!request.includes("never")) socket.write(ANSWER);
      });
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    client = Bun.spawn([process.execPath, "-e", CLIENT, String(port())], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    answers = linesOf(client.stdout);
  });

  afterAll(async () => {
    client.kill();
    await client.exited;
    server.close();
    await capture.stop();
    capture.close();
  });

  const port = () => (server.address() as { port: number }).port;

  const ask = async (connection: number, path: string): Promise<void> => {
    client.stdin.write(`${connection} ${path}\n`);
    client.stdin.flush();
    expect((await answers.next()).value).toBe(path);
  };

  const followed = (): number => {
    const { following } = capture.stats();
    return following.http?.connections ?? 0;
  };

  const paths = () =>
    seen.flatMap((event) => (event.protocol === "http" && event.server.port === port() ? [event.path] : []));

  test("that is nearly full forgets idle connections, and reports every transaction of all of them", async () => {
    await ask(0, "/never");
    for (let number = 1; number <= CONNECTIONS_MAX * 4; number++) {
      // Whoever opens more at once than there is room for finds some dropped, and counted.
      while (followed() > CONNECTIONS_MAX - 4) await Bun.sleep(1);
      await ask(number, `/${number}`);
    }
    // The one that was never idle is still followed: its transaction ends with it.
    client.stdin.write("0\n");
    client.stdin.flush();
    while (!paths().includes("/never")) await capture.sync();
    expect(paths().toSorted()).toEqual(
      ["/never", ...Array.from({ length: CONNECTIONS_MAX * 4 }, (_, number) => `/${number + 1}`)].toSorted(),
    );
    expect(capture.stats().protocols.http?.dropped).toEqual({});
    expect(followed()).toBeLessThanOrEqual(CONNECTIONS_MAX);
  }, 30_000);

  test("finds a connection again that it had forgotten", async () => {
    seen.length = 0;
    for (let number = 1; number <= 8; number++) {
      while (followed() > CONNECTIONS_MAX - 4) await Bun.sleep(1);
      await ask(number, `/again/${number}`);
    }
    await capture.sync();
    expect(paths().toSorted()).toEqual(Array.from({ length: 8 }, (_, number) => `/again/${number + 1}`));
  }, 30_000);

  test("gives up more transactions at once than all pages of a CPU hold, and reports each", async () => {
    const late: ObservedEvent[] = [];
    const other = new KernelCapture(
      { sharedRingBytes: 1 << 20, ringBytes: 1 << 16, connectionsMax: 4096, idleTimeoutMillis: 1000 },
      [{ offer: (batch) => void late.push(...batch) }],
    );
    await other.start();
    for (let number = 0; number < HUNG; number++) await ask(1000 + number, `/never/${number}`);
    const timedOut = () =>
      late.filter((event) => event.protocol === "http" && event.server.port === port() && event.outcome === "timeout");
    while (timedOut().length < HUNG) {
      expect(other.stats().protocols.http?.dropped).toEqual({});
      await Bun.sleep(10);
    }
    await other.stop();
    other.close();
  }, 30_000);
});
