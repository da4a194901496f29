import { afterEach, describe, expect, test } from "bun:test";
import type { HttpEvent } from "../../ffi/event.ts";
import { createApp } from "../../server/app.ts";
import { Hub, type HubOptions } from "../../server/hub.ts";
import { type Listener, listen } from "../../server/listen.ts";
import { RawSocket, requestText } from "../e2e/support/raw-socket.ts";
import { FakeCapture, FakeTransport, httpEvent, httpEvents, type SeenFrame } from "./fake.ts";
import { Audit } from "./support/audit.ts";
import { chunkedBody, type SseMessage, sseMessages } from "./support/http-stream.ts";
import { Synthetic } from "./support/synthetic.ts";

const RUN = "k3x";
const open: Listener[] = [];
const leaving = new Set<AbortController>();
afterEach(async () => {
  for (const one of leaving) one.abort();
  leaving.clear();
  for (const listener of open.splice(0)) await listener.close(100);
});

const serve = (options: Partial<HubOptions> = {}) => {
  const synthetic = new Synthetic();
  const hub = new Hub({
    queueMax: 65_536,
    subscriberMax: 10,
    version: "0.0.0",
    run: RUN,
    history: synthetic.history,
    ...options,
  });
  synthetic.feed(hub);
  const app = createApp({ capture: new FakeCapture(), hub, spans: undefined, version: "0.0.0" });
  const listener = listen({ host: "127.0.0.1", port: 0, app, hub });
  open.push(listener);
  return { hub, listener, synthetic, url: `${listener.url}/events` };
};

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await Bun.sleep(1);
};

/** Reads until what has come satisfies, and then no more. */
const read = async (url: string, isEnough: (text: string) => boolean, headers: Record<string, string> = {}) => {
  const leave = new AbortController();
  leaving.add(leave);
  const response = await fetch(url, { headers, signal: leave.signal });
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(bytes, { stream: true });
    if (isEnough(text)) break;
  }
  leave.abort();
  return { response, text };
};

const lines = (text: string): (SeenFrame | HttpEvent)[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

const fields = (count: number) => Array.from({ length: count }, (_, index) => ({ status: 200 + index }));

describe("GET /events", () => {
  test("is a line for what the stream has to say, and one for each event", async () => {
    const { hub, url } = serve();
    const reading = read(url, (text) => text.includes('"sync"'));
    await until(() => hub.stats().connected === 1);
    hub.offer(httpEvents(1, 2));
    hub.offer([httpEvent(3, { path: "/ü/\n\u2028", userAgent: "é" })]);
    hub.sync(7);
    const { response, text } = await reading;
    expect(response.headers.get("Content-Type")).toBe("application/x-ndjson");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    const [hello, ...rest] = lines(text);
    expect(hello).toMatchObject({ type: "hello", run: RUN, nextSeq: 1, filter: {} });
    expect(rest).toEqual([
      ...httpEvents(1, 2),
      httpEvent(3, { path: "/ü/\n\u2028", userAgent: "é" }),
      { type: "sync", id: 7 },
    ]);
    await until(() => hub.stats().connected === 0);
    expect(hub.stats().total).toMatchObject({ delivered: 3, sent: 3, queued: 0 });
  });

  test("takes the filters, the policy and the past of any subscription", async () => {
    const { hub, synthetic, url } = serve();
    synthetic.http(fields(5));
    synthetic.endTurn();
    const { text } = await read(`${url}?status=202-299&status=!203&since=0@${RUN}&policy=drop-oldest`, (text) =>
      text.includes('"seq":5'),
    );
    const [hello, ...events] = lines(text);
    expect(hello).toMatchObject({ filter: { status: ["!203", "202-299"] }, nextSeq: 1, resumed: true });
    expect(events.map((event) => (event as HttpEvent).seq)).toEqual([3, 5]);
    expect(hub.stats().total).toMatchObject({ delivered: 5, sent: 2, filtered: 3 });
  });

  const refusals: [name: string, query: string, headers: Record<string, string>, status: number, message: RegExp][] = [
    ["a key that is not known", "?stauts=500", {}, 400, /unknown query parameter "stauts"; did you mean status/],
    ["a value that is wrong", "?status=abc", {}, 400, /query parameter "status": expected a status such as 500/],
    ["a wrong since", "?since=x", {}, 400, /query parameter "since": expected the number of the last event/],
    ["a wrong Last-Event-ID", "", { "Last-Event-ID": "x" }, 400, /^Last-Event-ID: expected the number of the last/],
  ];
  test.each(refusals)("refuses %s", async (_, query, headers, status, message) => {
    const { hub, url } = serve();
    const response = await fetch(url + query, { headers });
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: { message: string } }).error.message).toMatch(message);
    expect(hub.stats().accepted).toBe(0);
  });

  test("refuses when there are too many subscribers", async () => {
    const { hub, url } = serve({ subscriberMax: 1 });
    hub.subscribe(new FakeTransport(), "fake");
    const response = await fetch(url);
    expect([response.status, response.headers.get("Content-Type")]).toEqual([503, "application/json"]);
  });

  test("subscribes nobody who asks for the head alone", async () => {
    const { hub, url } = serve();
    const response = await fetch(url, { method: "HEAD", headers: { Accept: "text/event-stream" } });
    expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "text/event-stream"]);
    expect(hub.stats().accepted).toBe(0);
  });

  test("says why it ends, and ends with the service", async () => {
    const { hub, listener, url } = serve();
    const reading = read(url, () => false);
    await until(() => hub.stats().connected === 1);
    const closing = listener.close(2000);
    const { text } = await reading;
    expect<unknown>(lines(text).at(-1)).toEqual({ type: "end", code: 1001, reason: "Kernelcast is shutting down" });
    await closing;
  });
});

describe("as server-sent events", () => {
  const SSE = { Accept: "text/event-stream" };
  const readSse = async (url: string, isEnough: (messages: SseMessage[]) => boolean, headers = {}) => {
    const { response, text } = await read(url, (text) => isEnough(sseMessages(text)), { ...SSE, ...headers });
    return { response, messages: sseMessages(text) };
  };

  test("each event has the id to go on behind it, and is of no type", async () => {
    const { hub, url } = serve();
    const reading = readSse(url, (messages) => messages.some(({ type }) => type === "sync"));
    await until(() => hub.stats().connected === 1);
    hub.offer(httpEvents(1, 2));
    hub.beat();
    hub.sync(1);
    const { response, messages } = await reading;
    expect(response.headers.get("Content-Type")).toBe("text/event-stream");
    expect(messages.map(({ type, id }) => [type, id])).toEqual([
      ["hello", `0@${RUN}`],
      ["message", `1@${RUN}`],
      ["message", `2@${RUN}`],
      // A heartbeat says nothing, but counts.
      ["sync", `2@${RUN}`],
    ]);
    expect(messages.slice(1, 3).map(({ data }) => JSON.parse(data))).toEqual(httpEvents(1, 2));
    expect(messages[0]?.retry).toBe(1000);
  });

  test("a heartbeat moves the id on, though no event was for this subscription", async () => {
    const { hub, url } = serve();
    const reading = readSse(`${url}?status=500`, (messages) => messages.length === 2);
    await until(() => hub.stats().connected === 1);
    hub.offer(httpEvents(1, 9));
    hub.beat();
    hub.sync(1);
    expect((await reading).messages[1]).toMatchObject({ type: "sync", id: `9@${RUN}` });
  });

  const resumptions: [name: string, query: string, id: string, seqs: number[]][] = [
    ["behind the id that is given back", "", `3@${RUN}`, [4, 5]],
    ["so, whatever the URL said at first", `?since=1@${RUN}`, `3@${RUN}`, [4, 5]],
    ["from the first event of another life of the service", "", "3@other", [1, 2, 3, 4, 5]],
    ["behind a bare number", "", "4", [5]],
    ["where the URL says, when the id is empty", `?since=3@${RUN}`, "", [4, 5]],
  ];
  test.each(resumptions)("it resumes %s", async (_, query, id, seqs) => {
    const { synthetic, url } = serve();
    synthetic.http(fields(5));
    synthetic.endTurn();
    const { messages } = await readSse(url + query, (all) => all.some(({ data }) => data.includes('"seq":5')), {
      "Last-Event-ID": id,
    });
    expect(messages.slice(1).map(({ data }) => (JSON.parse(data) as HttpEvent).seq)).toEqual(seqs);
  });
});

test("a reader that stops costs a constant, slows nobody down, and is told exactly what it lost", async () => {
  const { hub, listener } = serve({ queueMax: 2000 });
  const socket = await RawSocket.connect(listener.url);
  socket.send(requestText("GET /events"));
  await socket.until(() => socket.text.includes('"type":"hello"'));
  socket.pause();
  const events: HttpEvent[] = [];
  while ((hub.stats().total.dropped.queue_full ?? 0) === 0) {
    const batch = httpEvents(events.length + 1, 200);
    events.push(...batch);
    hub.offer(batch);
    if (events.length % 10_000 === 0) await Bun.sleep(0);
  }
  expect(hub.stats().subscribers[0]).toMatchObject({ paused: true, format: "ndjson" });
  expect(hub.stats().queuedBytes).toBeLessThan(2000 * 500);
  socket.resume();
  await until(() => hub.stats().total.queued === 0);
  hub.sync(1);
  await socket.until(() => socket.text.includes('"type":"sync"'));
  const audit = new Audit(events);
  for (const line of lines(chunkedBody(socket.received)))
    audit.take("type" in line ? line : { type: "batch", events: [line as HttpEvent] });
  audit.expectComplete();
  expect(audit.announced).toBe(hub.stats().total.dropped.queue_full as number);
  socket.abort();
  await until(() => hub.stats().connected === 0);
}, 20_000);

test("a reader that leaves at any moment leaves nothing behind", async () => {
  const { hub, listener } = serve({ subscriberMax: 1000 });
  await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const socket = await RawSocket.connect(listener.url);
      socket.send(requestText("GET /events", index % 2 === 0 ? [] : ["Accept: text/event-stream"]));
      if (index % 3 === 0) await socket.until(() => socket.text !== "");
      socket.abort();
    }),
  );
  await until(() => hub.stats().connected === 0);
  expect(hub.stats().refused).toBe(0);
});
