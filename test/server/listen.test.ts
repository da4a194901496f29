import { afterEach, describe, expect, test } from "bun:test";
import { createApp } from "../../server/app.ts";
import { Hub, type HubOptions } from "../../server/hub.ts";
import { ListenError, type Listener, listen } from "../../server/listen.ts";
import { FakeCapture, httpEvent, httpEvents, type SeenFrame } from "./fake.ts";

const open: Listener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close(100);
});

const start = (options: Partial<HubOptions> = {}) => {
  const capture = new FakeCapture();
  const hub = new Hub({ queueMax: 65_536, subscriberMax: 10, version: "0.0.0", ...options });
  const app = createApp({ capture, hub, spans: undefined, version: "0.0.0" });
  const listener = listen({ host: "127.0.0.1", port: 0, app, hub });
  open.push(listener);
  return { capture, hub, listener, url: `${listener.url.replace("http", "ws")}/ws` };
};

/** Resolves when the condition holds; the test's own time-out ends a wait for what never comes. */
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await Bun.sleep(1);
};

class Client {
  readonly frames: SeenFrame[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | undefined;

  constructor(url: string, protocols: string[] = []) {
    this.socket = new WebSocket(url, protocols);
    this.socket.onmessage = ({ data }) => this.frames.push(JSON.parse(String(data)));
    this.socket.onclose = ({ code, reason }) => {
      this.closed = { code, reason };
    };
  }

  async greeted(): Promise<this> {
    await until(() => this.frames.length > 0);
    return this;
  }
}

describe("a WebSocket client", () => {
  test("sees events, then the sync frame of a barrier, and the ledger agrees", async () => {
    const { capture, hub, listener, url } = start();
    const client = await new Client(url).greeted();
    capture.count(3);
    hub.offer(httpEvents(1, 3));
    const response = await fetch(`${listener.url}/sync`, { method: "POST" });
    expect(await response.json()).toMatchObject({ id: 1, protocols: { http: { delivered: 3 } }, balanced: true });
    await until(() => client.frames.length === 3);
    expect(client.frames.map((frame) => frame.type)).toEqual(["hello", "batch", "sync"]);
    expect(client.frames[1]?.events).toEqual(httpEvents(1, 3));
  });

  test("receives text outside ASCII unharmed", async () => {
    const { hub, url } = start();
    const client = await new Client(url).greeted();
    const event = httpEvent(1, { path: "/ü/日本/\u0000/\u{1f980}", userAgent: "é" });
    hub.offer([event]);
    await until(() => client.frames.length === 2);
    expect(client.frames[1]?.events).toEqual([event]);
  });

  test("may name the JSON subprotocol and is told that it is spoken", async () => {
    const { url } = start();
    const client = await new Client(url, ["other", "kernelcast.v1.json"]).greeted();
    expect(client.socket.protocol).toBe("kernelcast.v1.json");
  });

  const faults: [string | Uint8Array, string][] = [
    ["hello", 'expected a JSON object, got "hello"'],
    ["[1]", 'expected a JSON object, got "[1]"'],
    ['{"kind":1}', 'expected a JSON object with a string "type", got "{\\"kind\\":1}"'],
    ['{"type":"sub"}', 'unknown message type "sub"; allowed: {"type":"subscribe","filter":{…}}'],
    [new Uint8Array(3), "expected a text message with a JSON object, got a binary one of 3 bytes"],
  ];
  test.each(faults)("that sends %p is told what was expected", async (message, expected) => {
    const { url } = start();
    const client = await new Client(url).greeted();
    client.socket.send(message);
    await until(() => client.frames.length === 2);
    expect(client.frames[1]).toEqual({ type: "error", message: expected });
  });

  test("that sends too much is disconnected", async () => {
    const { hub, url } = start();
    const client = await new Client(url).greeted();
    client.socket.send("x".repeat(20_000));
    await until(() => client.closed !== undefined && hub.stats().connected === 0);
  });

  test("leaves the account behind when it disconnects", async () => {
    const { hub, url } = start();
    const client = await new Client(url).greeted();
    hub.offer(httpEvents(1, 5));
    client.socket.close();
    await until(() => hub.stats().connected === 0);
    expect(hub.stats().total).toMatchObject({ delivered: 5, sent: 5, queued: 0 });
  });
});

/** A client that speaks just enough WebSocket to stop reading, which the built-in one cannot. */
const rawClient = async (listener: Listener) => {
  let received = "";
  let ended = false;
  const socket = await Bun.connect({
    hostname: listener.host,
    port: listener.port,
    socket: {
      data: (_, bytes) => {
        received += bytes.toString("latin1");
      },
      close: () => {
        ended = true;
      },
    },
  });
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: ${listener.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await until(() => received.includes('"type":"hello"'));
  return { socket, text: () => received, ended: () => ended };
};

/** Offers until the client's queue is full; the operating system's buffers take some megabytes before. */
const fill = async (hub: Hub): Promise<number> => {
  let seq = 1;
  while ((hub.stats().total.dropped.queue_full ?? 0) === 0) {
    hub.offer(httpEvents(seq, 200));
    seq += 200;
    if (seq % 20_000 === 1) await Bun.sleep(0);
  }
  return seq - 1;
};

describe("a client that stops reading", () => {
  test("loses what does not fit, is told exactly what, and gets the rest in order once it reads", async () => {
    const { hub, listener } = start({ queueMax: 2000 });
    const client = await rawClient(listener);
    client.socket.pause();
    const offered = await fill(hub);
    const [stats] = hub.stats().subscribers;
    expect(stats?.paused).toBe(true);
    expect(stats?.queued).toBeLessThanOrEqual(2000);
    client.socket.resume();
    hub.sync(1);
    await until(() => client.text().includes('{"type":"sync","id":1}'));

    const seen = [...client.text().matchAll(/"seq":(\d+)/g)].map(([, seq]) => Number(seq));
    const [gap] = [...client.text().matchAll(/"dropped":(\d+),"fromSeq":(\d+),"toSeq":(\d+)/g)];
    const [dropped, fromSeq, toSeq] = [gap?.[1], gap?.[2], gap?.[3]].map(Number);
    expect(toSeq).toBe(offered);
    expect(dropped).toBe(offered - (fromSeq ?? 0) + 1);
    expect(seen).toEqual(Array.from({ length: (fromSeq ?? 0) - 1 }, (_, index) => index + 1));
    expect(hub.stats().total).toMatchObject({ delivered: offered, sent: seen.length, queued: 0 });
    client.socket.end();
  });

  test("is closed when it stays so, while others are served", async () => {
    let nowMillis = 0;
    const { hub, listener, url } = start({ queueMax: 2000, stallMillis: 30_000, nowMillis: () => nowMillis });
    const stalled = await rawClient(listener);
    stalled.socket.pause();
    const offered = await fill(hub);
    const other = await new Client(url).greeted();
    nowMillis = 30_000;
    hub.tend();
    hub.offer(httpEvents(offered + 1, 1));
    await until(() => other.frames.length === 2);
    const { connected, total } = hub.stats();
    expect(connected).toBe(1);
    expect(total.dropped.stalled).toBeGreaterThan(0);
    stalled.socket.terminate();
  });
});

describe("close", () => {
  test("delivers what is queued, then says 1001", async () => {
    const { hub, listener, url } = start();
    const client = await new Client(url).greeted();
    for (let seq = 1; seq <= 20_000; seq += 200) hub.offer(httpEvents(seq, 200));
    await listener.close(2000);
    await until(() => client.closed !== undefined);
    expect(client.closed).toEqual({ code: 1001, reason: "Kernelcast is shutting down" });
    expect(client.frames.reduce((sum, frame) => sum + (frame.events?.length ?? 0), 0)).toBe(20_000);
    expect(hub.stats().total.dropped).toEqual({});
  });

  test("does not wait beyond its deadline for a client that does not read", async () => {
    const { hub, listener } = start({ queueMax: 2000 });
    const client = await rawClient(listener);
    client.socket.pause();
    await fill(hub);
    const beganMillis = performance.now();
    await listener.close(200);
    expect(performance.now() - beganMillis).toBeLessThan(2000);
    expect(hub.stats().total.dropped.shutdown).toBeGreaterThan(0);
    client.socket.terminate();
  });

  test("returns at once when nobody is connected, and may be called twice", async () => {
    const { listener } = start();
    await fetch(`${listener.url}/healthz`);
    const beganMillis = performance.now();
    await Promise.all([listener.close(60_000), listener.close(60_000)]);
    expect(performance.now() - beganMillis).toBeLessThan(4000);
    await expect(fetch(`${listener.url}/healthz`)).rejects.toThrow();
  });
});

describe("an address that cannot be had", () => {
  const attempt = (host: string, port: number): string => {
    const hub = new Hub({ queueMax: 1, subscriberMax: 1, version: "0.0.0" });
    const app = createApp({ capture: new FakeCapture(), hub, spans: undefined, version: "0.0.0" });
    try {
      open.push(listen({ host, port, app, hub }));
    } catch (error) {
      expect(error).toBeInstanceOf(ListenError);
      return error instanceof Error ? error.message : "";
    }
    return "";
  };

  test("because another holds the port is reported in one line", () => {
    const { listener } = start();
    expect(attempt("127.0.0.1", listener.port)).toBe(
      `port ${listener.port} on 127.0.0.1 is in use, perhaps by another Kernelcast; choose another with --port`,
    );
  });

  test("because it is not of this machine is reported in one line", () => {
    expect(attempt("192.0.2.1", 0)).toMatch(/^192\.0\.2\.1 is no address of this machine; choose another with --host$/);
  });
});
