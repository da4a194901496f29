import { afterEach, describe, expect, test } from "bun:test";
import { createApp } from "../../server/app.ts";
import { Hub } from "../../server/hub.ts";
import { type Listener, listen } from "../../server/listen.ts";
import { FakeCapture, type SeenFrame } from "./fake.ts";
import { readRecords } from "./support/audit.ts";
import { Synthetic } from "./support/synthetic.ts";

const open: Listener[] = [];
afterEach(() => Promise.all(open.splice(0).map((listener) => listener.close(200))));

/** A service on a real socket, whose events are made up. */
function start({ compress = false, heartbeatMillis = 60_000 } = {}) {
  const synthetic = new Synthetic();
  const hub = new Hub({
    queueMax: 65_536,
    subscriberMax: 10,
    version: "0.0.0",
    history: synthetic.history,
    heartbeatMillis,
  });
  synthetic.feed(hub);
  const app = createApp({ capture: new FakeCapture(), hub, spans: undefined, version: "0.0.0" });
  const listener = listen({ host: "127.0.0.1", port: 0, app, hub, compress });
  open.push(listener);
  const happen = (...events: { status: number; target?: string }[]) => {
    const startNs = 1_790_000_000_123_456_789n;
    synthetic.http(events.map((event) => ({ startNs, endNs: startNs, method: "GET", target: "/a", ...event })));
    synthetic.endTurn();
  };
  return { hub, happen, url: `${listener.url.replace("http", "ws")}/ws` };
}

class Client {
  readonly frames: SeenFrame[] = [];
  readonly socket: WebSocket;

  constructor(url: string, protocols: string[] = []) {
    this.socket = new WebSocket(url, protocols);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => {
      this.frames.push(typeof data === "string" ? JSON.parse(data) : readRecords(new Uint8Array(data as ArrayBuffer)));
    };
  }

  static async greeted(url: string, protocols?: string[]): Promise<Client> {
    const client = new Client(url, protocols);
    await client.until(({ type }) => type === "hello");
    return client;
  }

  async until(wanted: (frame: SeenFrame) => boolean): Promise<SeenFrame> {
    while (!this.frames.some(wanted)) await Bun.sleep(1);
    return this.frames.find(wanted) as SeenFrame;
  }

  get seqs(): number[] {
    return this.frames.flatMap(({ events }) => events?.map(({ seq }) => seq) ?? []);
  }
}

const upTo = (seq: number) => (frame: SeenFrame) => frame.events?.at(-1)?.seq === seq;

describe("a filter", () => {
  test("in the URL selects from the first event on, and is said back as it was understood", async () => {
    const { happen, url } = start();
    const client = await Client.greeted(`${url}?status=500-599&status=!503&path=/a/**`);
    expect(client.frames[0]?.filter).toEqual({ status: ["!503", "5xx"], path: ["/a/**"] });
    happen({ status: 500, target: "/a/b" }, { status: 503, target: "/a/b" }, { status: 501, target: "/a" });
    happen({ status: 200, target: "/a/b" }, { status: 502, target: "/a/" });
    await client.until(upTo(5));
    expect(client.seqs).toEqual([1, 5]);
  });

  test("in a message holds from the event on that the answer names", async () => {
    const { happen, url } = start();
    const client = await Client.greeted(`${url}?status=5xx`);
    happen({ status: 500 }, { status: 404 });
    client.socket.send('{"type":"subscribe","filter":{"status":["404"]}}');
    const subscribed = await client.until(({ type }) => type === "subscribed");
    expect(subscribed).toEqual({ type: "subscribed", filter: { status: ["404"] }, fromSeq: 3 } as never);
    happen({ status: 500 }, { status: 404 });
    await client.until(upTo(4));
    expect(client.seqs).toEqual([1, 4]);
  });

  test("that is wrong leaves the one before in force", async () => {
    const { happen, url } = start();
    const client = await Client.greeted(`${url}?status=5xx`);
    client.socket.send('{"type":"subscribe","filter":{"status":"5x"}}');
    const error = await client.until(({ type }) => type === "error");
    expect(error.message).toContain('filter key "status": expected a status');
    happen({ status: 200 }, { status: 500 });
    await client.until(upTo(2));
    expect(client.seqs).toEqual([2]);
  });
});

test("who comes back with the last number it saw and the run of its hello frame has missed nothing", async () => {
  const { happen, url } = start();
  happen({ status: 200 }, { status: 201 });
  const client = await Client.greeted(`${url}?since=60s`);
  await client.until(upTo(2));
  const run = (client.frames[0] as unknown as { run: string }).run;
  client.socket.close();
  happen({ status: 202 }, { status: 203 });
  const again = await Client.greeted(`${url}?since=2@${run}`);
  expect(again.frames[0]).toMatchObject({ nextSeq: 3, resumed: true });
  happen({ status: 204 });
  await again.until(upTo(5));
  expect(again.seqs).toEqual([3, 4, 5]);
});

test.each([false, true])(
  "the binary subprotocol has the same events, as records (compressed: %p)",
  async (compress) => {
    const { happen, url } = start({ compress });
    const text = await Client.greeted(url, ["kernelcast.v1.json"]);
    const binary = await Client.greeted(url, ["kernelcast.v1.binary", "kernelcast.v1.json"]);
    expect(binary.socket.protocol).toBe("kernelcast.v1.binary");
    happen(
      ...Array.from({ length: 50 }, (_, index) => ({ status: 200 + index, target: `/${index}`.repeat(index + 1) })),
    );
    await text.until(upTo(50));
    await binary.until(upTo(50));
    const [batch] = binary.frames.slice(1);
    const [expected] = text.frames.slice(1);
    expect(expected?.events).toMatchObject((batch?.events ?? []) as never);
  },
);

test("frames are compressed for who can take them, if the service is told to", async () => {
  for (const compress of [false, true]) {
    const { url } = start({ compress });
    const client = await Client.greeted(url);
    expect(client.socket.extensions.includes("permessage-deflate")).toBe(compress);
  }
});

test("who gets nothing hears that there was nothing, and how far that goes", async () => {
  const { happen, url } = start({ heartbeatMillis: 20 });
  const client = await Client.greeted(`${url}?status=5xx`);
  happen({ status: 200 }, { status: 200 });
  const beat = await client.until(({ type, nextSeq }) => type === "heartbeat" && nextSeq === 3);
  expect(beat).toEqual({ type: "heartbeat", nextSeq: 3 });
  expect(client.seqs).toEqual([]);
});
