import { expect, test } from "bun:test";
import { readMessage } from "../../server/client-message.ts";

test.each<[string, object]>([
  ["{}", {}],
  ['{"status":"5xx","port":[80,443]}', { status: ["5xx"], port: ["443", "80"] }],
  ['{"minDurationMs":5,"sample":"1/4"}', { minDurationMs: 5, sample: 0.25 }],
])("a filter of %s is taken", (filter, canonical) => {
  expect(readMessage(`{"type":"subscribe","filter":${filter}}`)).toEqual({
    kind: "subscribe",
    filter: canonical,
  });
});

const EXPECTED = 'expected {"type":"subscribe","filter":{…}} and nothing beside, got ';

test.each<[string | Uint8Array, string]>([
  ["", 'expected a JSON object, got ""'],
  ["null", 'expected a JSON object, got "null"'],
  ['{"filter":{}}', 'expected a JSON object with a string "type", got "{\\"filter\\":{}}"'],
  ['{"type":"ping"}', 'unknown message type "ping"; allowed: {"type":"subscribe","filter":{…}}'],
  ['{"type":"subscribe"}', `${EXPECTED}"{\\"type\\":\\"subscribe\\"}"`],
  ['{"type":"subscribe","filter":[]}', `${EXPECTED}"{\\"type\\":\\"subscribe\\",\\"filter\\":[]}"`],
  [
    '{"type":"subscribe","filter":{},"since":"1"}',
    `${EXPECTED}"{\\"type\\":\\"subscribe\\",\\"filter\\":{},\\"since\\":\\"1\\"}"`,
  ],
  [
    '{"type":"subscribe","filter":{"stauts":"5xx"}}',
    'unknown filter key "stauts"; did you mean status?; allowed: protocol, method, status, path, host, port, client, server, minDurationMs, sample',
  ],
  [
    '{"type":"subscribe","filter":{"port":[80,"http"],"sample":2}}',
    'filter key "port": expected a port such as 8080 or 8000-8099; a leading ! excludes, got "http"; filter key "sample": expected a share above 0 and up to 1, such as 0.1 or 1/10, got 2',
  ],
  [
    '{"type":"subscribe","filter":{"status":null}}',
    'filter key "status": expected a status such as 500, 5xx or 400-499; 0 is no response; a leading ! excludes, got null',
  ],
])("%s is answered with what was expected", (message, fault) => {
  expect(readMessage(message)).toEqual({ kind: "fault", message: fault });
});

test("an answer repeats no more than a line of what was given", () => {
  const long = JSON.stringify({ type: "subscribe", filter: { path: "x".repeat(10_000) } });
  const read = readMessage(long);
  expect(read.kind === "fault" && read.message.length).toBeLessThan(300);
});
