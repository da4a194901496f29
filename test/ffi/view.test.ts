import { describe, expect, test } from "bun:test";
import { EventBatch, type RawBatch } from "../../ffi/batch.ts";
import { clockOffset } from "../../ffi/clock.ts";
import { decodeHttpEvent, decodeTcpEvent } from "../../ffi/decode.ts";
import { ExpiredViewError } from "../../ffi/errors.ts";
import { http_event as Http, tcp_outcome, tcp_role } from "../../ffi/layout.generated.ts";
import { http, type Protocol, tcp } from "../../ffi/protocol.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { type HttpFields, httpBatch, ipv4, ipv6, OUTCOME, tcpBatch } from "./support/ring.ts";

const OFFSET_NS = 1_735_689_600_000_000_123n;
/** Hides nothing but what always is. */
const ALL = new TargetPolicy();
const START_NS = (7n << 32n) | 0xfffffff0n;

const FULL: HttpFields = {
  startNs: START_NS,
  firstByteNs: START_NS + 0x20n,
  endNs: START_NS + 0x1_0000_0020n,
  requestHeaderBytes: 2 ** 32 - 1,
  requestBodyBytes: 2n ** 40n + 3n,
  responseHeaderBytes: 151,
  responseBodyBytes: 2n ** 53n - 1n,
  answered: ipv4(192, 168, 0, 9),
  answeredPort: 65535,
  client: ipv4(10, 0, 0, 7),
  server: ipv6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
  clientPort: 51514,
  serverPort: 8080,
  status: 404,
  version: 1,
  outcome: OUTCOME.HTTP_OUTCOME_RESET,
  truncated: true,
  method: "DELETE",
  target: "/users/42?a=1",
  pathLength: 9,
  host: "api.local",
  userAgent: "curl/8",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

const viewsOf = <V>(protocol: Protocol<V>, raw: RawBatch) => new EventBatch(raw, protocol.viewOf);
const httpView = (event: HttpFields) => viewsOf(http, httpBatch([event])).at(0);

describe("a batch", () => {
  test("says what its head says", () => {
    const raw = httpBatch([{}, {}, {}], { idx: (3n << 32n) | 0xffffffffn, cpu: 65 });
    expect([raw.idx, raw.cpu, raw.length, raw.eventSize]).toEqual([3 * 2 ** 32 + 0xffffffff, 65, 3, Http.SIZE]);
  });

  test("gives its events in order, by index and by iteration", () => {
    const batch = viewsOf(http, httpBatch([{ status: 200 }, { status: 301 }, { status: 500 }]));
    expect([...batch].map(({ status }) => status)).toEqual([200, 301, 500]);
    expect([0, 1, 2].map((index) => batch.at(index).status)).toEqual([200, 301, 500]);
  });

  test.each([-1, 1, Number.NaN, Number.POSITIVE_INFINITY])("has no event %p beside the one at 0", (index) => {
    const batch = viewsOf(http, httpBatch([{}]));
    expect(() => batch.at(index)).toThrow(RangeError);
  });
});

describe("HttpEventView", () => {
  test("reads each field from where the layout says that it is", () => {
    const view = httpView(FULL);
    expect({
      startHigh: view.startHigh,
      startLow: view.startLow,
      durationNano: view.durationNano,
      timeToFirstByteNano: view.timeToFirstByteNano,
      requestHeaderBytes: view.requestHeaderBytes,
      requestBodyBytes: view.requestBodyBytes,
      responseHeaderBytes: view.responseHeaderBytes,
      responseBodyBytes: view.responseBodyBytes,
      answeredAddress: view.answeredAddress,
      answeredPort: view.answeredPort,
      clientAddress: view.clientAddress,
      serverAddress: view.serverAddress,
      clientPort: view.clientPort,
      serverPort: view.serverPort,
      status: view.status,
      version: view.version,
      outcome: view.outcome,
      pathTruncated: view.pathTruncated,
      method: view.method,
      path: view.path,
      query: view.query,
      host: view.host,
      userAgent: view.userAgent,
      traceparent: view.traceparent,
    }).toEqual({
      startHigh: 7,
      startLow: 0xfffffff0,
      durationNano: 0x1_0000_0020,
      timeToFirstByteNano: 0x20,
      requestHeaderBytes: 2 ** 32 - 1,
      requestBodyBytes: 2 ** 40 + 3,
      responseHeaderBytes: 151,
      responseBodyBytes: 2 ** 53 - 1,
      answeredAddress: "192.168.0.9",
      answeredPort: 65535,
      clientAddress: "10.0.0.7",
      serverAddress: "2001:db8::1",
      clientPort: 51514,
      serverPort: 8080,
      status: 404,
      version: "1.0",
      outcome: "reset",
      pathTruncated: true,
      method: "DELETE",
      path: "/users/42",
      query: "a=1",
      host: "api.local",
      userAgent: "curl/8",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
  });

  test("every field at its limit", () => {
    const texts = {
      method: "M".repeat(24),
      target: `/${"p".repeat(223)}`,
      host: "h".repeat(64),
      userAgent: "u".repeat(88),
      traceparent: "t".repeat(56),
    };
    const [first, second] = [...viewsOf(http, httpBatch([texts, { ...texts, target: "/" }]))];
    if (!first) throw new Error("no event");
    const { method, path, host, userAgent, traceparent } = first;
    expect({ method, target: path, host, userAgent, traceparent }).toEqual(texts);
    expect(second?.path).toBe("/");
  });

  test("a build that keeps more of the target is read alike", () => {
    const target = `/${"p".repeat(4063)}`;
    const raw = httpBatch(
      [
        { target, status: 200 },
        { target: "/2", status: 201 },
      ],
      { eventSize: Http.target + 4064 },
    );
    const [first, second] = [...viewsOf(http, raw)];
    expect([first?.path, first?.status, second?.path, second?.status]).toEqual([target, 200, "/2", 201]);
  });

  test.each<[string, string | undefined]>([
    ["ot=th:c,vendor=x", "ot=th:c,vendor=x"],
    ["k".repeat(63), "k".repeat(63)],
    ["k".repeat(64), undefined],
    [`ot=th:c,${"k".repeat(56)}`, "ot=th:c"],
  ])("of the tracestate %p, which may be cut, the members that are whole", (tracestate, expected) => {
    expect(httpView({ target: "/a", method: "GET", tracestate }).tracestate).toBe(expected as string);
  });

  test("what is absent is undefined, and an empty query is not absent", () => {
    const view = httpView({ target: "/a", method: "GET" });
    expect([view.query, view.host, view.userAgent, view.traceparent]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(httpView({ target: "/a?", pathLength: 2 }).query).toBe("");
    expect(httpView({ target: "?b", pathLength: 0 }).path).toBe("");
    expect(httpView({ target: "?b", pathLength: 0 }).query).toBe("b");
    // Cut at the limit just behind the path.
    expect(httpView({ target: "x".repeat(224), pathLength: 224 }).query).toBeUndefined();
  });

  test("an outcome for each number of the contract", () => {
    const names = Object.values(OUTCOME).map((outcome) => httpView({ outcome }).outcome);
    expect(names).toEqual(["complete", "closed", "reset", "superseded", "timeout", "upgraded"]);
  });

  test("version 1.1 when it was not seen", () => {
    expect([0, 1, 2].map((version) => httpView({ version }).version)).toEqual(["1.1", "1.0", "1.1"]);
  });

  test("a duration across each carry of its halves", () => {
    const pairs: [bigint, bigint][] = [
      [0n, 0n],
      [0xffffffffn, 0x100000000n],
      [0x1ffffffffn, 0x500000000n],
      [2n ** 63n, 2n ** 63n + 2n ** 52n],
      [2n ** 63n + 1n, 2n ** 63n],
    ];
    for (const [startNs, endNs] of pairs)
      expect(httpView({ startNs, endNs }).durationNano).toBe(Number(endNs - startNs));
  });
});

describe("TcpEventView", () => {
  const event = {
    startNs: START_NS,
    endNs: START_NS + 5n,
    bytesSent: 2n ** 40n + 3n,
    bytesReceived: 2n ** 53n - 1n,
    local: ipv4(10, 0, 0, 1),
    remote: ipv6(0, 0, 0, 0, 0, 0, 0, 1),
    localPort: 80,
    remotePort: 65535,
    retransmits: 2 ** 32 - 1,
    role: tcp_role.TCP_ROLE_SERVER,
    outcome: tcp_outcome.TCP_OUTCOME_REFUSED,
  };

  test("is decoded field by field", () => {
    const view = viewsOf(tcp, tcpBatch(event, 3)).at(0);
    expect(decodeTcpEvent(view, 9, clockOffset(OFFSET_NS))).toEqual({
      protocol: "tcp",
      seq: 9,
      cpu: 3,
      startTimeUnixNano: String(START_NS + OFFSET_NS),
      durationNano: 5,
      local: { address: "10.0.0.1", port: 80 },
      remote: { address: "::1", port: 65535 },
      role: "server",
      bytesSent: 2 ** 40 + 3,
      bytesReceived: 2 ** 53 - 1,
      retransmits: 2 ** 32 - 1,
      outcome: "refused",
    });
  });

  test("an outcome for each number of the contract", () => {
    const names = Object.values(tcp_outcome).map(
      (outcome) => viewsOf(tcp, tcpBatch({ ...event, outcome })).at(0).outcome,
    );
    expect(names).toEqual(["fin", "reset", "refused"]);
  });
});

describe("decodeHttpEvent()", () => {
  test("is what subscribers receive, key for key", () => {
    const view = viewsOf(http, httpBatch([{}, FULL], { cpu: 1 })).at(1);
    expect(decodeHttpEvent(view, 812, clockOffset(OFFSET_NS), ALL)).toEqual({
      protocol: "http",
      seq: 812,
      cpu: 1,
      startTimeUnixNano: String(START_NS + OFFSET_NS),
      durationNano: 0x1_0000_0020,
      client: { address: "10.0.0.7", port: 51514 },
      timeToFirstByteNano: 0x20,
      server: { address: "2001:db8::1", port: 8080 },
      answeredBy: { address: "192.168.0.9", port: 65535 },
      method: "DELETE",
      path: "/users/42",
      query: "a=1",
      pathTruncated: true,
      requestHeaderBytes: 2 ** 32 - 1,
      requestBodyBytes: 2 ** 40 + 3,
      responseHeaderBytes: 151,
      responseBodyBytes: 2 ** 53 - 1,
      status: 404,
      version: "1.0",
      host: "api.local",
      userAgent: "curl/8",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      outcome: "reset",
    });
  });

  test("leaves absent fields out", () => {
    const event = decodeHttpEvent(httpView({ method: "GET", target: "/" }), 1, clockOffset(0n), ALL);
    expect(Object.keys(event).toSorted()).toEqual([
      "client",
      "cpu",
      "durationNano",
      "method",
      "outcome",
      "path",
      "pathTruncated",
      "protocol",
      "requestBodyBytes",
      "requestHeaderBytes",
      "seq",
      "server",
      "startTimeUnixNano",
      "status",
      "version",
    ]);
  });

  test("a response without a body says so, and an address that ends in zeroes is one", () => {
    const event = decodeHttpEvent(
      httpView({ firstByteNs: 5n, responseHeaderBytes: 40, answered: ipv6(0xfd00, 0, 0, 0, 0, 0, 0, 0) }),
      1,
      clockOffset(0n),
      ALL,
    );
    expect(event).toMatchObject({ responseHeaderBytes: 40, responseBodyBytes: 0, timeToFirstByteNano: 5 });
    expect(event.answeredBy).toEqual({ address: "fd00::", port: 0 });
  });
});

describe("after the callback has returned", () => {
  for (const [name, protocol, raw] of [
    ["HttpEventView", http, () => httpBatch([FULL])],
    [
      "TcpEventView",
      tcp,
      () =>
        tcpBatch({
          startNs: 0n,
          endNs: 0n,
          bytesSent: 0n,
          bytesReceived: 0n,
          local: ipv4(1, 2, 3, 4),
          remote: ipv4(1, 2, 3, 4),
          localPort: 1,
          remotePort: 2,
          retransmits: 0,
          role: 0,
          outcome: 0,
        }),
    ],
  ] as const) {
    test(`every accessor of ${name} that reads an event throws`, () => {
      const batch = raw();
      const view = viewsOf<object>(protocol as Protocol<object>, batch).at(0);
      const accessors = accessorsOf(view);
      expect(accessors.length).toBeGreaterThan(8);
      for (const accessor of accessors) expect(() => Reflect.get(view, accessor)).not.toThrow();
      batch.expire();
      // The CPU is the batch's, and kept.
      const silent = accessors.filter((accessor) => !throwsExpired(() => Reflect.get(view, accessor)));
      expect(silent).toEqual(["cpu"]);
    });
  }

  test("the batch's memory and a view that is made only then throw, too", () => {
    const raw = httpBatch([FULL]);
    const batch = viewsOf(http, raw);
    raw.expire();
    expect(() => raw.memory).toThrow(ExpiredViewError);
    expect(() => batch.at(0).status).toThrow(ExpiredViewError);
    expect(() => [...batch].map(({ path }) => path)).toThrow(ExpiredViewError);
  });
});

/** Names of the public getters of a view, those that it inherits too. */
function accessorsOf(view: object): string[] {
  const names = new Set<string>();
  const hidden = new Set(["memory", "times"]); // protected
  for (let proto = Object.getPrototypeOf(view); proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (get && !hidden.has(name)) names.add(name);
    }
  }
  return [...names];
}

function throwsExpired(access: () => unknown): boolean {
  try {
    access();
    return false;
  } catch (error) {
    return error instanceof ExpiredViewError;
  }
}
