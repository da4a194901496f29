import { describe, expect, test } from "bun:test";
import { PEERS } from "./peers.ts";

/** As each wrote it: two requests for /small-half, one for /new-half, an answer to each. */
const OUTPUTS: Record<string, string> = {
  httpry: [
    "2026-11-22 20:34:13\t127.0.0.1\t127.0.0.1\t>\tGET\t127.0.0.1:18099\t/small-half\tHTTP/1.1\t-\t-",
    "2026-11-22 20:34:13\t127.0.0.1\t127.0.0.1\t<\t-\t-\t-\tHTTP/1.1\t200\tOK",
    "2026-11-22 20:34:13\t127.0.0.1\t127.0.0.1\t>\tGET\t127.0.0.1:18099\t/small-half\tHTTP/1.1\t-\t-",
    "2026-11-22 20:34:13\t127.0.0.1\t127.0.0.1\t<\t-\t-\t-\tHTTP/1.1\t200\tOK",
    "2026-11-22 20:34:13\t127.0.0.1\t127.0.0.1\t>\tGET\t127.0.0.1:18099\t/new-half\tHTTP/1.1\t-\t-",
    "2026-11-22 20:34:13\t127.0.0.1\t127.0.0.1\t<\t-\t-\t-\tHTTP/1.1\t200\tOK",
    "",
  ].join("\n"),
  bpftrace:
    "ready\n\n\n@lines[GET /small-half HTTP/1.1]: 2\n@lines[GET /new-half HTTP/1.1\r\nH]: 1\n@lines[HTTP/1.1 200 ]: 3\n",
  ngrep: [
    "interface: lo (127.0.0.0/255.0.0.0)",
    "T 127.0.0.1:1 -> 127.0.0.1:2 [AP] GET /small-half HTTP/1.1..Host: 127.0.0.1:2....",
    "T 127.0.0.1:2 -> 127.0.0.1:1 [AP] HTTP/1.1 200 OK..Server: nginx/1.22.1..",
    "T 127.0.0.1:1 -> 127.0.0.1:2 [AP] GET /small-half HTTP/1.1..Host: 127.0.0.1:2....",
    "T 127.0.0.1:2 -> 127.0.0.1:1 [AP] HTTP/1.1 200 OK..Server: nginx/1.22.1..",
    "T 127.0.0.1:1 -> 127.0.0.1:2 [AP] GET /new-half HTTP/1.1..Host: 127.0.0.1:2....",
    "T 127.0.0.1:2 -> 127.0.0.1:1 [AP] HTTP/1.1 200 OK..Server: nginx/1.22.1..",
  ].join("\n\n"),
  tshark: "GET\t/small-half\t\n\t\t200\nGET\t/small-half\t\n\t\t200\nGET\t/new-half\t\n\t\t200\n",
  "http-parse":
    "GET /small-half HTTP/1.1\nHTTP/1.1 200 OK\nGET /small-half HTTP/1.1\nHTTP/1.1 200 OK\nGET /new-half HTTP/1.1\nHTTP/1.1 200 OK\n",
};

describe("requests are counted by their path, and responses, in the output of", () => {
  const counting = PEERS.flatMap(({ name, counts }) => (counts ? [[name, counts] as const] : []));
  test.each(counting)("%s", (name, { requests, responses }) => {
    const text = Buffer.from(OUTPUTS[name] ?? "");
    expect(["/small-half", "/new-half", "/small"].map((path) => requests(text, path))).toEqual([2, 1, 0]);
    expect(responses(text)).toBe(3);
  });
});

test.each([
  ["httpry", "263716 packets received, 12 packets dropped, 131724 http packets parsed", 12],
  ["tcpdump", "1 packet captured\n2 packets received by filter\n1 packet dropped by kernel", 1],
  ["tshark", "188408 packets captured\n7 packets dropped from lo", 7],
])("what %s says it missed is read from its last words", (name, text, missed) => {
  const pattern = PEERS.find((peer) => peer.name === name)?.missed;
  expect(Number(text.match(pattern ?? /^$/)?.[1])).toBe(missed);
});
