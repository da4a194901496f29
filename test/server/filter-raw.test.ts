import { expect, test } from "bun:test";
import { clockOffset } from "../../ffi/clock.ts";
import { HttpCursor } from "../../ffi/http-cursor.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { filterSchema } from "../../server/filter.ts";
import { RawFilter } from "../../server/filter-raw.ts";
import { HttpSubject } from "../../server/http-subject.ts";
import { httpBatch } from "../ffi/support/ring.ts";

/** Which events are selected. What filters mean: filter-agreement.test.ts. */
function selected(given: object, events: { target?: string; host?: string }[]): number[] {
  const cursor = new HttpCursor(new TargetPolicy());
  cursor.open(httpBatch(events), 1, clockOffset(0n));
  const filter = new RawFilter(filterSchema.parse(given));
  const subject = new HttpSubject();
  return [...events.keys()].filter((index) => {
    subject.look(cursor.at(index));
    return filter.selects(subject);
  });
}

test.each([
  ["a:8080", true],
  ["a:0000", true],
  ["a:9999", true],
  ["a:80800", true],
  ["a:808", true],
  ["a:", true],
  ["a:808/", false],
  ["a:808:", false],
  ["a:x080", false],
  ["a:808x", false],
  ["ab8080", false],
  ["a:80\u00e9", false],
])("%s is the host a and a port: %p", (host, isPort) => {
  expect(selected({ host: "a" }, [{ host }])).toEqual(isPort ? [0] : []);
});

test("a host that is a port alone is no host and a port", () => {
  expect(selected({ host: "*8080" }, [{ host: ":8080" }])).toEqual([0]);
  expect(selected({ host: ":8080" }, [{ host: ":8080" }])).toEqual([0]);
});

/** Ends at each place of a word, with a port behind, and in either case. */
test.each(["a.example", "ab.example", "abc.example", "abcd.example", "abcde.EXAMPLE"])("%s is found", (host) => {
  const hosts = [host, host.toUpperCase(), `${host}:80`, `${host.toUpperCase()}:65535`, `x${host}`, `${host}x`];
  const events = hosts.map((name) => ({ host: name }));
  expect(selected({ host }, events)).toEqual([0, 1, 2, 3]);
  expect(selected({ host: "*.example" }, events)).toEqual([0, 1, 2, 3, 4]);
  expect(selected({ host: `${host}:80` }, events)).toEqual([2]);
});

test.each(["/a", "/ab", "/abc", "/abcd", "/abcde", "/abc/de"])("%s is found, with a query behind it", (path) => {
  const events = [path, `${path}?x=1`, `${path}x`, `/x${path}`].map((target) => ({
    target,
    pathLength: Buffer.byteLength(target.split("?")[0] as string),
  }));
  expect(selected({ path }, events)).toEqual([0, 1]);
  expect(selected({ path: `**${path.slice(1)}` }, events)).toEqual([0, 1, 3]);
  expect(selected({ path: `*${path.slice(-1)}` }, events)).toEqual([]);
});
