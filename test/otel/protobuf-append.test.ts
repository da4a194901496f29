import { expect, test } from "bun:test";
import { appendToMessages } from "../../otel/protobuf-append.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const append = (message: string, path: number[], ...suffixes: string[]) => {
  const rest = suffixes.values();
  return Buffer.from(appendToMessages(hex(message), path, () => hex(rest.next().value ?? ""))).toString("hex");
};
const plain = (text: string) => text.replaceAll(" ", "");

/** Field 1 as a message is tag 0a, field 2 tag 12; 08 01 is field 1 as the number 1. */
test.each([
  ["the message itself", "08 01", [], ["10 02"], "08 01 10 02"],
  ["a message within", "0a 02 08 01", [1], ["10 02"], "0a 04 08 01 10 02"],
  ["each of several, in order", "0a 00 0a 02 08 01", [1], ["10 01", "10 02"], "0a 02 10 01 0a 04 08 01 10 02"],
  ["nothing to some", "0a 00 0a 00", [1], ["", "10 02"], "0a 00 0a 02 10 02"],
  ["two levels down", "0a 02 12 00", [1, 2], ["08 01"], "0a 04 12 02 08 01"],
  ["none where the path leads nowhere", "0a 02 08 01", [2], ["10 02"], "0a 02 08 01"],
  [
    "past every wire type",
    "08 96 01 11 0102030405060708 1d 01020304 22 02 aabb 0a 00",
    [1],
    ["08 01"],
    "08 96 01 11 0102030405060708 1d 01020304 22 02 aabb 0a 02 08 01",
  ],
] as [string, string, number[], string[], string][])("appends to %s", (_name, message, path, suffixes, expected) => {
  expect(append(message, path, ...suffixes)).toBe(plain(expected));
});

test("a length that grows past 127 takes another byte", () => {
  const inner = "08 01".repeat(63);
  expect(append(`0a 7e ${inner}`, [1], "10 02")).toBe(plain(`0a 80 01 ${inner} 10 02`));
});

test.each([["0f"], ["0a"], ["0a 80"]])("%p is no message", (message) => {
  expect(() => append(message, [1], "")).toThrow(RangeError);
});
