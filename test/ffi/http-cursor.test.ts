import { expect, test } from "bun:test";
import { clockOffset, toUnixNano } from "../../ffi/clock.ts";
import { decodeHttpEvent } from "../../ffi/decode.ts";
import { HttpCursor } from "../../ffi/http-cursor.ts";
import { HttpEventView } from "../../ffi/http-view.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { Random } from "./support/random.ts";
import { type HttpFields, httpBatch, ipv4, ipv6 } from "./support/ring.ts";

const OFFSET_NS = 1_735_689_600_000_000_123n;
const CLOCK = clockOffset(OFFSET_NS);
const POLICY = new TargetPolicy();

const EVENT = {
  startNs: (7n << 32n) | 0xffff_fff0n,
  endNs: (8n << 32n) | 0x20n,
  client: ipv4(10, 0, 0, 7),
  server: ipv6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
  answered: ipv4(10, 8, 0, 3),
  answeredPort: 18_080,
  firstByteNs: (7n << 32n) | 0xffff_fff1n,
  requestBodyBytes: 2n ** 40n + 1n,
  responseBodyBytes: 2n ** 33n + 3n,
  clientPort: 51_514,
  serverPort: 8080,
  status: 404,
  version: 1,
  outcome: 2,
  truncated: true,
  method: "DELETE",
  target: "/users/42?a=1",
  pathLength: 9,
  host: "api.local",
  userAgent: "curl/8",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
} satisfies HttpFields;

function cursorOver(events: HttpFields[], clock = CLOCK): HttpCursor {
  const cursor = new HttpCursor(POLICY);
  cursor.open(httpBatch(events), 5, clock);
  return cursor;
}

const unixNano = (high: number, low: number) => (BigInt(high) << 32n) | BigInt(low);

test("every field is read from where the layout says that it is", () => {
  const event = cursorOver([{}, EVENT]).at(1);
  const text = (at: number, length: number) => event.bytes.toString("latin1", at, at + length);
  expect({
    seq: event.seq,
    client: event.bytes.subarray(event.clientAddressAt, event.clientAddressAt + 16),
    server: event.bytes.subarray(event.serverAddressAt, event.serverAddressAt + 16),
    answered: event.bytes.subarray(event.answeredAddressAt, event.answeredAddressAt + 16),
    answeredPort: event.answeredPort,
    requestBodyBytes: event.requestBodyBytes,
    responseBodyBytes: event.responseBodyBytes,
    clientPort: event.clientPort,
    serverPort: event.serverPort,
    status: event.status,
    version: event.version,
    outcome: event.outcome,
    flags: event.flags,
    method: text(event.methodAt, event.methodLength),
    path: text(event.targetAt, event.pathLength),
    target: text(event.targetAt, event.targetLength),
    host: text(event.hostAt, event.hostLength),
    userAgent: text(event.userAgentAt, event.userAgentLength),
    traceparent: text(event.traceparentAt, event.traceparentLength),
  }).toEqual({
    seq: 6,
    client: Buffer.from(EVENT.client),
    server: Buffer.from(EVENT.server),
    answered: Buffer.from(EVENT.answered),
    answeredPort: 18_080,
    requestBodyBytes: 2 ** 40 + 1,
    responseBodyBytes: 2 ** 33 + 3,
    clientPort: 51_514,
    serverPort: 8080,
    status: 404,
    version: 1,
    outcome: 2,
    flags: 1,
    method: "DELETE",
    path: "/users/42",
    target: "/users/42?a=1",
    host: "api.local",
    userAgent: "curl/8",
    traceparent: EVENT.traceparent,
  });
});

test("a response that never came has no size", () => {
  expect(cursorOver([{ responseBodyBytes: 0n }]).at(0).responseBodyBytes).toBeUndefined();
});

test("the words are the bytes", () => {
  const event = cursorOver([EVENT]).at(0);
  const { bytes } = event;
  expect(event.words[event.methodAt >> 2]).toBe(bytes.readUInt32LE(event.methodAt));
});

test("times are the sums of the clocks, whatever carries from half to half, and never backwards", () => {
  const random = new Random(1);
  const u64 = () => (BigInt(random.u32()) << 32n) | BigInt(random.u32());
  for (let i = 0; i < 20_000; i++) {
    const offset = i % 3 === 0 ? -BigInt(random.u32()) : u64() >> 2n;
    const startNs = (u64() >> 2n) + 2n ** 32n;
    const endNs = startNs + BigInt(random.u32()) * BigInt(random.below(2 ** 16)) - BigInt(random.below(100));
    const event = cursorOver([{ startNs, endNs }], clockOffset(offset)).at(0);
    const start = unixNano(event.startHigh, event.startLow);
    expect(String(start)).toBe(toUnixNano(Number(startNs >> 32n), Number(startNs & 0xffffffffn), clockOffset(offset)));
    expect(unixNano(event.endHigh, event.endLow)).toBe(endNs < startNs ? start : endNs + offset);
  }
});

test("an event decodes to what its view decodes to", () => {
  const batch = httpBatch([{}, EVENT]);
  const cursor = new HttpCursor(POLICY);
  cursor.open(batch, 5, CLOCK);
  const decoded = cursor.at(1).decode();
  expect(decoded).toEqual(decodeHttpEvent(new HttpEventView(batch, batch.eventOffset(1)), 6, CLOCK, POLICY));
  expect(decoded).toMatchObject({ seq: 6, path: "/users/42", host: "api.local" });
});

test("a path is shown as it is when it begins with a slash and no rule is set; else the policy says what is reported", () => {
  const shown = (target: string, policy = POLICY) => {
    const cursor = new HttpCursor(policy);
    cursor.open(httpBatch([{ target }]), 1, CLOCK);
    return cursor.at(0).isPathShown;
  };
  expect([shown("/a"), shown("http://h/a"), shown("")]).toEqual([true, false, false]);
  const templates = new TargetPolicy({ templates: ["/users/{id}"] });
  expect(shown("/users/42", templates)).toBe(false);
  const cursor = new HttpCursor(templates);
  cursor.open(httpBatch([{ target: "/users/42?sig=1&b=2", pathLength: 9 }]), 1, CLOCK);
  expect(cursor.at(0).path()).toEqual({ path: "/users/42", template: "/users/{id}" });
  expect(cursor.at(0).query()).toBe("sig=REDACTED&b=2");
});

test("a clock that moves is followed from the next batch on", () => {
  const cursor = cursorOver([EVENT], clockOffset(0n));
  expect(unixNano(cursor.at(0).startHigh, cursor.at(0).startLow)).toBe(EVENT.startNs);
  cursor.open(httpBatch([EVENT]), 6, clockOffset(1n));
  expect(unixNano(cursor.at(0).startHigh, cursor.at(0).startLow)).toBe(EVENT.startNs + 1n);
});

test.each([-1, 1, Number.NaN, Number.POSITIVE_INFINITY])("there is no event %p beside the one at 0", (index) => {
  expect(() => cursorOver([EVENT]).at(index)).toThrow(RangeError);
});

test("behind its batch an event can neither be read nor decoded, and shows nothing of the next one", () => {
  const cursor = cursorOver([EVENT]);
  const event = cursor.at(0);
  cursor.close();
  expect(event.status).toBeUndefined();
  expect(event.bytes).toHaveLength(0);
  expect(() => event.decode()).toThrow("the batch is over");
  expect(() => cursor.at(0)).toThrow(RangeError);
});
