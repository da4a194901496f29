import { describe, expect, test } from "bun:test";
import { ringMemory } from "../../ffi/batch.ts";
import { readAddress, readInternedText, readText } from "../../ffi/text.ts";
import { Random } from "./support/random.ts";
import { ipv4, ipv6 } from "./support/ring.ts";

const OFFSET = 8;

/** Memory that holds the bytes at OFFSET, zero behind them, as an event's field is. */
const memoryOf = (bytes: Uint8Array) => {
  const memory = ringMemory(new ArrayBuffer(OFFSET + 256));
  memory.bytes.set(bytes, OFFSET);
  return memory;
};

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

for (const [name, read] of [
  ["readText()", readText],
  ["readInternedText()", readInternedText],
] as const) {
  describe(name, () => {
    test("reads ASCII of every length and every value", () => {
      const all = Uint8Array.from({ length: 128 }, (_, index) => index);
      for (let length = 0; length <= 128; length++) {
        const bytes = all.subarray(0, length);
        expect(read(memoryOf(bytes), OFFSET, length)).toBe(utf8.decode(bytes));
      }
    });

    test("reads UTF-8 wherever in the text it stands, and replaces what is none", () => {
      const samples = ["ä", "€", "😀", "\ufeff", "aä", "aaä", "aaaä", "aaaaä", "日本語/パス"].map((text) =>
        Buffer.from(text),
      );
      const broken = [[0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80]];
      for (const bytes of [...samples, ...broken.map((values) => Buffer.from([97, ...values]))]) {
        expect(read(memoryOf(bytes), OFFSET, bytes.length)).toBe(utf8.decode(bytes));
      }
    });

    test("stops at its length, whatever stands behind", () => {
      const memory = memoryOf(Buffer.from("path?query=\xff", "latin1"));
      expect(read(memory, OFFSET, 4)).toBe("path");
      expect(read(memory, OFFSET, 5)).toBe("path?");
    });

    test("reads any bytes as TextDecoder does", () => {
      const random = new Random(4);
      for (let round = 0; round < 5000; round++) {
        const bytes = Uint8Array.from({ length: random.below(120) }, () => random.below(random.below(2) ? 256 : 128));
        expect(read(memoryOf(bytes), OFFSET, bytes.length)).toBe(utf8.decode(bytes));
      }
    });
  });
}

describe("readInternedText()", () => {
  test("tells texts apart that differ in one byte or in length only, again and again", () => {
    const texts = Array.from({ length: 4000 }, (_, index) => `host-${index % 2000}.example${"\0".repeat(index % 3)}`);
    for (let round = 0; round < 3; round++) {
      for (const text of texts) expect(readInternedText(memoryOf(Buffer.from(text)), OFFSET, text.length)).toBe(text);
    }
  });
});

describe("readAddress()", () => {
  const textOf = (address: Uint8Array) => readAddress(memoryOf(address), OFFSET);

  test.each([
    [ipv4(0, 0, 0, 0), "0.0.0.0"],
    [ipv4(127, 0, 0, 1), "127.0.0.1"],
    [ipv4(255, 255, 255, 255), "255.255.255.255"],
    [ipv4(1, 2, 3, 4), "1.2.3.4"],
    [ipv4(192, 168, 0, 200), "192.168.0.200"],
  ])("%p is IPv4 %s", (address, text) => {
    expect(textOf(address)).toBe(text);
  });

  test.each([
    ["no address at all", ipv6(0, 0, 0, 0, 0, 0, 0, 0), "::"],
    ["loopback", ipv6(0, 0, 0, 0, 0, 0, 0, 1), "::1"],
    ["zeros at the end", ipv6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), "2001:db8::"],
    ["leading zeros are left out (4.1)", ipv6(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1), "2001:db8::1:0:0:1"],
    ["the first of equally long runs (4.2.3)", ipv6(0x2001, 0, 0, 1, 1, 0, 0, 1), "2001::1:1:0:0:1"],
    ["the longest run (4.2.3)", ipv6(0x2001, 0, 0, 1, 0, 0, 0, 1), "2001:0:0:1::1"],
    ["a single zero is not shortened (4.2.2)", ipv6(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1), "2001:db8:0:1:1:1:1:1"],
    ["lower case (4.3)", ipv6(0xabcd, 0xef, 0xffff, 1, 2, 3, 4, 5), "abcd:ef:ffff:1:2:3:4:5"],
    ["no zero", ipv6(1, 2, 3, 4, 5, 6, 7, 8), "1:2:3:4:5:6:7:8"],
    ["a run at the start", ipv6(0, 0, 0, 0, 0, 0xabcd, 0, 1), "::abcd:0:1"],
    ["seven zeros at the end", ipv6(0xfe80, 0, 0, 0, 0, 0, 0, 0), "fe80::"],
    ["a zero at each end", ipv6(0, 1, 2, 3, 4, 5, 6, 0), "0:1:2:3:4:5:6:0"],
    ["nearly mapped", ipv6(0, 0, 0, 0, 0, 0xfffe, 0x7f00, 1), "::fffe:7f00:1"],
    ["a link's own", ipv6(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456), "fe80::5054:ff:fe12:3456"],
  ])("IPv6: %s", (_, address, text) => {
    expect(textOf(address)).toBe(text);
  });

  test("IPv6 as RFC 5952 has it, for every pattern of zero groups", () => {
    for (let pattern = 0; pattern < 256; pattern++) {
      const groups = Array.from({ length: 8 }, (_, index) => (pattern >> index) & 1);
      const text = textOf(ipv6(...groups));
      expect(new URL(`http://[${text}]`).hostname).toBe(`[${text}]`);
      expect(expand(text)).toEqual(groups);
    }
  });

  test("more addresses than are remembered are still right", () => {
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 40_000; index++) {
        expect(textOf(ipv4(10, index >> 16, (index >> 8) & 255, index & 255))).toBe(
          `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
        );
      }
    }
  });
});

/** The groups of an address in text. */
function expand(text: string): number[] {
  const [before = [], after = []] = text.split("::").map((half) => half.split(":").filter(Boolean));
  const zeros = text.includes("::") ? 8 - before.length - after.length : 0;
  return [...before, ...Array<string>(zeros).fill("0"), ...after].map((group) => Number.parseInt(group, 16));
}
