import { describe, expect, test } from "bun:test";
import type { HttpEvent } from "../../ffi/event.ts";
import type { LoggedRequest } from "./support/access-log.ts";
import { ALIKE, compare } from "./support/comparison.ts";

/** The servers' tests stand on this: it must let nothing pass. */
describe("events beside a log", () => {
  const event = (client: number, path: string, responseBodyBytes = 11): HttpEvent => ({
    protocol: "http",
    seq: 1,
    cpu: 0,
    startTimeUnixNano: "1",
    durationNano: 1,
    client: { address: "127.0.0.1", port: client },
    server: { address: "127.0.0.1", port: 80 },
    method: "GET",
    path,
    pathTruncated: false,
    status: 200,
    version: "1.1",
    requestHeaderBytes: 40,
    requestBodyBytes: 0,
    responseHeaderBytes: 100,
    responseBodyBytes,
    outcome: "complete",
  });
  const logged = (clientPort: number, path: string, more: Partial<LoggedRequest> = {}): LoggedRequest => ({
    ...{ serverPort: 80, clientPort, method: "GET", path, status: 200 },
    ...more,
  });
  const none = { count: 0, first: [] };

  test("are alike when each has its other, whatever the order, also where a request was repeated", () => {
    const events = [event(1, "/a"), event(1, "/b"), event(2, "/a"), event(1, "/a")];
    const log = [
      logged(2, "/a"),
      logged(1, "/a"),
      logged(1, "/a"),
      logged(1, "/b", { version: "1.1", responseBytes: 111 }),
    ];
    expect(compare(events, log)).toEqual(ALIKE);
  });

  test("are paired in the order in which they ended, for those of two CPUs arrive in any", () => {
    const [first, second] = [event(1, "/a", 11), { ...event(1, "/a", 22), durationNano: 2 }];
    const log = [11, 22].map((responseBodyBytes) => logged(1, "/a", { responseBodyBytes }));
    expect(compare([second, first], log)).toEqual(ALIKE);
  });

  test("differ by a request that is missing, twice there, or another's", () => {
    const [a, b] = [event(1, "/a"), event(1, "/b")];
    expect(compare([a], [logged(1, "/a"), logged(1, "/b")])).toEqual({
      ...ALIKE,
      missing: { count: 1, first: [logged(1, "/b")] },
    });
    expect(compare([a, a], [logged(1, "/a")])).toEqual({ ...ALIKE, extra: { count: 1, first: [a] } });
    expect(compare([b], [logged(2, "/b")])).toEqual({
      ...ALIKE,
      missing: { count: 1, first: [logged(2, "/b")] },
      extra: { count: 1, first: [b] },
    });
  });

  const others: [name: string, more: Partial<LoggedRequest>][] = [
    ["method", { method: "HEAD" }],
    ["status", { status: 201 }],
    ["version", { version: "1.0" }],
    ["server's port", { serverPort: 81 }],
  ];
  test.each(others)("differ by their %s", (_name, more) => {
    const { missing, extra } = compare([event(1, "/a")], [logged(1, "/a", more)]);
    expect([missing.count, extra.count]).toEqual([1, 1]);
  });

  const sizes: [name: string, more: Partial<LoggedRequest>][] = [
    ["requestHeaderBytes", { requestHeaderBytes: 41 }],
    ["requestBodyBytes", { requestBodyBytes: 1 }],
    ["requestBytes", { requestBytes: 41 }],
    ["responseHeaderBytes", { responseHeaderBytes: 99 }],
    ["responseBodyBytes", { responseBodyBytes: 12 }],
    ["responseBytes", { responseBytes: 112 }],
  ];
  test.each(sizes)("differ by their %s", (_name, more) => {
    expect(compare([event(1, "/a")], [logged(1, "/a", more)])).toMatchObject({
      missing: none,
      different: { count: 1 },
    });
  });

  test("differ by an outcome that was not expected", () => {
    const reset: HttpEvent = { ...event(1, "/a"), outcome: "reset" };
    expect(compare([reset], [logged(1, "/a")]).otherOutcome).toEqual({ count: 1, first: [reset] });
    expect(compare([reset], [logged(1, "/a")], "reset")).toEqual(ALIKE);
  });
});
