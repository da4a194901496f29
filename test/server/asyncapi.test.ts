import { afterEach, describe, expect, test } from "bun:test";
import specs from "@asyncapi/specs";
import Ajv from "ajv";
import { asyncApi } from "../../server/asyncapi.ts";
import { FakeTransport, httpEvent } from "./fake.ts";
import { endServing, serve, until } from "./support/serve.ts";
import { Synthetic } from "./support/synthetic.ts";

afterEach(endServing);

const document = asyncApi("0.0.0", "http://127.0.0.1:4320/asyncapi.json");

test("the document is AsyncAPI 3.0", () => {
  // Its own schema names formats that say nothing of its form.
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const validate = ajv.compile(specs.schemasWithoutId["3.0.0"] as object);
  expect([validate(document), validate.errors]).toEqual([true, null]);
  expect(validate({ ...document, channels: [] })).toBe(false);
});

test("every reference in it leads somewhere", () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path);
  expect(references.length).toBeGreaterThan(10);
  for (const path of references) {
    const found = path.split("/").reduce((value: unknown, key) => (value as Record<string, unknown>)?.[key], document);
    expect([path, typeof found]).toEqual([path, "object"]);
  }
});

test("GET /asyncapi.json says how the service was reached", async () => {
  const { listener } = serve();
  const { servers } = (await (await fetch(`${listener.url}/asyncapi.json`)).json()) as typeof document;
  expect(servers.webSocket).toMatchObject({ host: `127.0.0.1:${listener.port}`, protocol: "ws" });
});

/** What of `frame` the schemas of a channel do not allow, by the schema that fits best. */
function faults(channel: "webSocket" | "events", frame: object): unknown {
  const { type, protocol } = frame as { type?: string; protocol?: string };
  const name = type ?? `${protocol}Event`;
  const messages = document.channels[channel].messages as Record<string, { payload: object }>;
  const found = messages[name];
  if (found === undefined) return `${channel} has no ${name}`;
  const validate = new Ajv({ strict: false, discriminator: true }).compile(found.payload);
  return validate(frame) ? undefined : validate.errors;
}

/** Whatever can be said over a subscription. */
async function everything() {
  const { hub, synthetic, listener } = serve({
    synthetic: new Synthetic({ maxBytes: 4096 }),
    protocols: ["http", "tcp"],
    source: { kind: "replay", notice: "REPLAY" },
  });
  const socket = new WebSocket(
    `${listener.url.replace("http", "ws")}/ws?status=200-599&status=0&protocol=http&protocol=tcp`,
  );
  const frames: { type: string }[] = [];
  socket.onmessage = ({ data }) => frames.push(JSON.parse(String(data)));
  await until(() => frames.length > 0);
  const lines = fetch(`${listener.url}/events?since=0`).then((response) => response.text());
  await until(() => hub.stats().connected === 2);
  const texts = { method: "GET", target: "/a?b=1", host: "h", userAgent: "u", traceparent: "00-1-1-01" };
  synthetic.http([
    { status: 200, responseHeaderBytes: 10, ...texts },
    { status: 0, outcome: 2 },
    { status: 204, answeredPort: 80 },
  ]);
  synthetic.endTurn();
  hub.offer([httpEvent(4, { query: "b=1", template: "/a/{b}", answeredBy: { address: "::1", port: 1 } })]);
  synthetic.tcp({});
  synthetic.endTurn();
  hub.sync(1);
  hub.sync(2, [3]);
  hub.beat();
  socket.send('{"type":"subscribe","filter":{"status":[200,"!404"],"sample":0.5,"minDurationMs":1}}');
  socket.send("hello");
  await until(() => frames.some(({ type }) => type === "error"));
  const slow = new FakeTransport();
  synthetic.http(Array.from({ length: 20 }, () => texts));
  hub.subscribe(slow, "slow", { since: { seq: 0 } });
  await listener.close(1000);
  return {
    socket: [...frames, ...slow.frames],
    events: (await lines)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  };
}

describe("what is sent is as the document says", () => {
  test("of every type", async () => {
    const { socket, events } = await everything();
    for (const frame of socket) expect([frame, faults("webSocket", frame)]).toEqual([frame, undefined]);
    for (const line of events) expect([line, faults("events", line)]).toEqual([line, undefined]);
    const types = (frames: { type?: string; protocol?: string }[]) =>
      [...new Set(frames.map(({ type, protocol }) => type ?? protocol))].sort();
    expect(types(socket)).toEqual(["batch", "error", "gap", "heartbeat", "hello", "subscribed", "sync"]);
    expect(types(events)).toEqual(["end", "heartbeat", "hello", "http", "sync", "tcp"].sort());
  });

  test("and a member that is missing, wrong or unknown would show", () => {
    const event = httpEvent(1);
    expect(faults("events", event)).toBeUndefined();
    expect(faults("events", { ...event, status: "200" })).toBeDefined();
    expect(faults("events", { ...event, outcome: "lost" })).toBeDefined();
    expect(faults("events", { ...event, extra: 1 })).toBeDefined();
    const { path: _, ...pathless } = event;
    expect(faults("events", pathless)).toBeDefined();
    expect(faults("webSocket", { type: "gap", dropped: 1 })).toBeDefined();
  });
});
