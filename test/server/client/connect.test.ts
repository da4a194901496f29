import { afterEach, describe, expect, spyOn, test } from "bun:test";
import type { HttpEvent } from "../../../ffi/event.ts";
import { Tokens } from "../../../server/access/tokens.ts";
import { ConnectError, connect } from "../../../server/client/connect.js";
import type { Connection, ConnectOptions, Filter, Gap, Hello } from "../../../server/client/index.d.ts";
import { FakeTransport } from "../fake.ts";
import { Relay } from "../support/relay.ts";
import { endServing, serve, until } from "../support/serve.ts";
import { Synthetic } from "../support/synthetic.ts";

const connections: Connection[] = [];
const relays: Relay[] = [];
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  for (const relay of relays.splice(0)) relay.close();
  await endServing();
});

const READ = "reader-0123456789";
const CONTROL = "control-0123456789";
const GUARD = {
  tokens: Tokens.parse(`read ${READ}\ncontrol ${CONTROL}`, "tokens"),
  allowedHosts: [],
  allowedOrigins: [],
};

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe.each(["websocket", "http"] as const)("by %s", (transport) => {
  const join = (url: string, options: ConnectOptions = {}) => {
    const connection = connect({ url, transport, ...options });
    connections.push(connection);
    return connection;
  };
  /** Keeps the numbers of all events and whatever else is told. */
  const record = (url: string, options: ConnectOptions = {}) => {
    const seqs: number[] = [];
    const gaps: Gap[] = [];
    const hellos: { hello: Hello; isRestarted: boolean }[] = [];
    const breaks: string[] = [];
    const connection = join(url, {
      onEvents: (events) => seqs.push(...events.map(({ seq }) => seq)),
      onGap: (gap) => gaps.push(gap),
      onConnect: (hello, isRestarted) => hellos.push({ hello, isRestarted }),
      onDisconnect: (reason) => breaks.push(reason),
      ...options,
    });
    return { connection, seqs, gaps, hellos, breaks };
  };
  const relayed = async (port: number) => {
    const relay = await Relay.to(port);
    relays.push(relay);
    return { relay, url: `http://127.0.0.1:${relay.port}` };
  };
  const take = async (connection: Connection, count: number) => {
    const events: HttpEvent[] = [];
    for await (const event of connection) if (events.push(event as HttpEvent) === count) break;
    return events;
  };

  test("events are iterated over, typed, and leaving the loop ends the subscription", async () => {
    const { hub, listener, happen } = serve();
    const connection = join(listener.url);
    const hello = await connection.opened;
    expect(hello).toMatchObject({ protocols: ["http"], nextSeq: 1, filter: {} });
    happen(3);
    const events = await take(connection, 3);
    expect(events.map(({ seq, path }) => [seq, path])).toEqual([
      [1, "/1"],
      [2, "/2"],
      [3, "/3"],
    ]);
    await connection.closed;
    await until(() => hub.stats().connected === 0);
  });

  test("the filter, the policy and the past are asked for", async () => {
    const { hub, listener, happen } = serve();
    happen(5, { status: 500 });
    happen(2, { status: 200 });
    const filter: Filter = { status: ["5xx", "!502"], path: "/*", minDurationMs: 0 };
    const connection = join(listener.url, { filter, since: 2, policy: "sample" });
    expect((await take(connection, 3)).map(({ seq }) => seq)).toEqual([3, 4, 5]);
    expect((await connection.opened).filter).toEqual({ status: ["!502", "5xx"], path: ["/*"] });
    expect(hub.stats().total.filtered).toBe(2);
  });

  test("close ends the iteration behind what has arrived", async () => {
    const { listener, happen } = serve();
    const connection = join(listener.url);
    await connection.opened;
    happen(3);
    await connection.sync();
    await connection.close();
    const seqs: number[] = [];
    for await (const { seq } of connection) seqs.push(seq);
    expect(seqs).toEqual([1, 2, 3]);
  });

  test("a signal ends it, also before it began", async () => {
    const { listener } = serve();
    const ending = new AbortController();
    const connection = join(listener.url, { signal: ending.signal });
    await connection.opened;
    ending.abort();
    await connection.closed;
    await join(listener.url, { signal: ending.signal }).closed;
    await expect(connection.sync()).rejects.toMatchObject({ code: "closed" });
  });

  test("await using closes it", async () => {
    const { hub, listener } = serve();
    {
      await using connection = join(listener.url);
      await connection.opened;
      expect(hub.stats().connected).toBe(1);
    }
    await until(() => hub.stats().connected === 0);
  });

  test("sync resolves when everything that happened has arrived", async () => {
    const { listener, happen } = serve();
    const { connection, seqs } = record(listener.url);
    await connection.opened;
    for (let round = 1; round <= 20; round++) {
      happen(100);
      const receipt = await connection.sync();
      expect(receipt.id).toBeGreaterThan(0);
      expect(seqs).toEqual(numbers(1, round * 100));
    }
    happen(1);
    await Promise.all([connection.sync(), connection.sync()]);
    expect(connection.position).toBe(2001);
  });

  test("a token opens it, and one that only reads makes no barrier", async () => {
    const { listener } = serve({ guard: GUARD });
    const reader = join(listener.url, { token: READ });
    await reader.opened;
    await expect(reader.sync()).rejects.toMatchObject({ code: "insufficient_scope", status: 403 });
    const controller = join(listener.url, { token: CONTROL });
    expect((await controller.sync()).id).toBe(1);
  });

  const refusals: [name: string, options: ConnectOptions, code: string, status: number, message: RegExp][] = [
    ["no token", {}, "no_token", 401, /^this needs a token/],
    ["a wrong token", { token: "wrong-wrong-wrong-wrong" }, "bad_token", 401, /^the token is not known here$/],
    [
      "a wrong filter",
      { token: READ, filter: { status: "abc" } },
      "bad_query",
      400,
      /^query parameter "status": expected a status such as 500/,
    ],
    ["a wrong since", { token: READ, since: "yesterday" }, "bad_query", 400, /^query parameter "since"/],
  ];
  test.each(refusals)("with %s it is refused in the service's words", async (_, options, code, status, message) => {
    const { listener } = serve({ guard: GUARD });
    const connection = join(listener.url, options);
    const error = await connection.opened.catch((error) => error);
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ name: "ConnectError", code, status, message: expect.stringMatching(message) });
    await expect(take(connection, 1)).rejects.toBe(error);
    await expect(connection.closed).rejects.toBe(error);
  });

  test("too many subscribers are a refusal at first, and waited for later", async () => {
    const { hub, listener } = serve({ subscriberMax: 1 });
    const { url, relay } = await relayed(listener.port);
    const other = hub.subscribe(new FakeTransport(), "other");
    await expect(join(url).opened).rejects.toMatchObject({ code: "too_many_subscribers", status: 503 });
    if (other !== undefined) hub.unsubscribe(other);
    const { connection, breaks, hellos } = record(url);
    await connection.opened;
    relay.cut();
    await until(() => hub.stats().connected === 0);
    const another = hub.subscribe(new FakeTransport(), "another");
    await until(() => breaks.length > 1);
    expect(breaks[1]).toMatch(/^there are too many subscribers/);
    if (another !== undefined) hub.unsubscribe(another);
    await until(() => hellos.length === 2);
  });

  test("where nothing listens it says so", async () => {
    const free = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const url = `http://127.0.0.1:${free.port}`;
    free.stop(true);
    await expect(join(url).opened).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining(`nothing answers at ${url}/: `),
    });
  });

  test("where something else listens it says so", async () => {
    const other = Bun.serve({ port: 0, fetch: () => new Response("hello", { status: 404 }) });
    await expect(join(`http://127.0.0.1:${other.port}`).opened).rejects.toMatchObject({
      code: "not_kernelcast",
      status: 404,
    });
    await other.stop(true);
  });

  test("a connection that is cut again and again loses nothing and doubles nothing", async () => {
    const { listener, happen } = serve();
    const { url, relay } = await relayed(listener.port);
    const { connection, seqs, gaps, hellos, breaks } = record(url);
    await connection.opened;
    for (let round = 1; round <= 6; round++) {
      happen(150);
      if (round % 2 === 0) await until(() => seqs.length > (round - 1) * 150);
      relay.cut();
      happen(150);
      await until(() => hellos.length === round + 1);
    }
    await connection.sync();
    expect(seqs).toEqual(numbers(1, 1800));
    expect(gaps).toEqual([]);
    expect(breaks).toHaveLength(6);
    expect(hellos.every(({ isRestarted }) => !isRestarted)).toBe(true);
  });

  test("a sync that a break interrupts is asked for again", async () => {
    const { listener, capture, happen } = serve();
    const { url, relay } = await relayed(listener.port);
    const { connection, seqs } = record(url);
    await connection.opened;
    const gate = Promise.withResolvers<void>();
    capture.gate = gate.promise;
    const barrier = spyOn(capture, "sync");
    const syncing = connection.sync();
    await until(() => barrier.mock.calls.length > 0);
    happen(10);
    relay.cut();
    gate.resolve();
    await syncing;
    expect(seqs).toEqual(numbers(1, 10));
  });

  test("what the history holds no longer is a gap, with its numbers", async () => {
    const synthetic = new Synthetic({ maxBytes: 20_000 });
    const { listener, happen } = serve({ synthetic });
    const { url, relay } = await relayed(listener.port);
    const { connection, seqs, gaps, hellos } = record(url);
    await connection.opened;
    happen(10);
    await connection.sync();
    relay.cut();
    happen(2000);
    await until(() => hellos.length === 2);
    await connection.sync();
    const [gap] = gaps;
    expect(gaps).toHaveLength(1);
    expect(gap).toMatchObject({ fromSeq: 11, reason: "history", dropped: (gap?.toSeq ?? 0) - 10 });
    expect(seqs).toEqual([...numbers(1, 10), ...numbers((gap?.toSeq ?? 0) + 1, 2010)]);
    expect(connection.position).toBe(2010);
  });

  test("the service's next life is told, and begins at its first event", async () => {
    const first = serve({ run: "one" });
    const { port } = first.listener;
    const { connection, seqs, hellos, breaks } = record(first.listener.url);
    await connection.opened;
    first.happen(50);
    await connection.sync();
    await first.listener.close(1000);
    const second = serve({ run: "two", port });
    second.happen(3);
    await until(() => hellos.length === 2);
    await connection.sync();
    expect(seqs).toEqual([...numbers(1, 50), 1, 2, 3]);
    expect(hellos[1]).toMatchObject({ isRestarted: true, hello: { run: "two" } });
    expect(breaks[0]).toBe("Kernelcast is shutting down");
  });

  test("another filter holds from the number on that is told", async () => {
    const { listener, happen } = serve();
    const { connection, seqs } = record(listener.url, { filter: { status: 200 } });
    await connection.opened;
    happen(5, { status: 200 });
    happen(5, { status: 404 });
    await connection.sync();
    const { fromSeq } = await connection.setFilter({ status: ["404"] });
    // Whoever opens a stream anew knows of no event behind the last that came.
    expect(fromSeq).toBe(transport === "http" ? 6 : 11);
    happen(5, { status: 200 });
    happen(5, { status: 404 });
    await connection.sync();
    expect(seqs).toEqual([...numbers(1, 5), ...numbers(fromSeq, 10), ...numbers(16, 20)]);
  });

  test("a filter that is wrong is refused, and the old one goes on to hold, also when the connection breaks", async () => {
    const { listener, happen } = serve();
    const { url, relay } = await relayed(listener.port);
    const { connection, seqs, hellos } = record(url, { filter: { status: 404 } });
    await connection.opened;
    await expect(connection.setFilter({ status: "abc" })).rejects.toMatchObject({
      message: expect.stringContaining('"status": expected a status such as 500'),
    });
    const before = hellos.length;
    relay.cut();
    await until(() => hellos.length > before);
    expect(hellos.at(-1)?.hello.filter).toEqual({ status: ["404"] });
    happen(2, { status: 200 });
    happen(2, { status: 404 });
    await connection.sync();
    expect(seqs).toEqual([3, 4]);
  });

  test("filters are changed one after the other", async () => {
    const { listener } = serve();
    const { connection } = record(listener.url);
    const changes = [{ status: 500 }, { status: "abc" }, { status: 404 }].map((filter) => connection.setFilter(filter));
    const results = await Promise.allSettled(changes);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("who iterates slowly holds little, and still gets everything that the history holds", async () => {
    const { hub, listener, happen } = serve({ synthetic: new Synthetic({ maxBytes: 1 << 24 }) });
    const connection = join(listener.url, { bufferMax: 100 });
    await connection.opened;
    happen(3000);
    const seqs: number[] = [];
    for await (const { seq } of connection) {
      seqs.push(seq);
      if (seq % 250 === 0) await Bun.sleep(2);
      if (seq === 3000) break;
    }
    expect(seqs).toEqual(numbers(1, 3000));
    await until(() => hub.stats().connected === 0);
    if (transport === "websocket") expect(hub.stats().accepted).toBeGreaterThan(2);
  });

  test("who stops to iterate in the middle leaves nothing behind", async () => {
    const { hub, listener, happen } = serve();
    const connection = join(listener.url, { bufferMax: 100 });
    await connection.opened;
    happen(1000);
    for await (const { seq } of connection) if (seq === 10) break;
    await connection.closed;
    await until(() => hub.stats().connected === 0);
  });

  test("what the caller's function throws ends the subscription, and is thrown", async () => {
    const { hub, listener, happen } = serve();
    const { connection } = record(listener.url, {
      onEvents: () => {
        throw new RangeError("mine");
      },
    });
    await connection.opened;
    happen(1);
    await expect(connection.closed).rejects.toThrow("mine");
    await until(() => hub.stats().connected === 0);
  });

  test("events that go to a function are not iterated over", () => {
    const { listener } = serve();
    const { connection } = record(listener.url);
    expect(() => connection[Symbol.asyncIterator]()).toThrow("go to onEvents");
  });

  test("a service that says nothing any more is left", async () => {
    const { listener, hub } = serve({ heartbeatMillis: 30 });
    const { url, relay } = await relayed(listener.port);
    const { hellos, breaks, connection } = record(url);
    await connection.opened;
    // Its heartbeats keep it.
    const beating = setInterval(() => hub.beat(), 30);
    await Bun.sleep(200);
    expect(breaks).toEqual([]);
    clearInterval(beating);
    relay.hold();
    await until(() => breaks.length === 1);
    await until(() => hellos.length > 1);
  });
});
