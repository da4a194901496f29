import type { RingMemory } from "./batch.ts";
import { remember } from "./remember.ts";

/** Bun and Node have these on every Buffer; their types do not list them. They are the fastest way to a string. */
declare global {
  interface Buffer {
    latin1Slice(start: number, end: number): string;
    utf8Slice(start: number, end: number): string;
  }
}

/**
 * Text of `length` bytes at an offset that is a multiple of 4. ASCII, nearly always, is read fast; anything else as
 * UTF-8, where bytes that are none become U+FFFD.
 */
export function readText({ bytes, u32 }: RingMemory, offset: number, length: number): string {
  const end = (offset + length + 3) >> 2;
  for (let word = offset >> 2; word < end; word++) {
    // Fields are zero behind their text, so the last word may be looked at whole.
    if (((u32[word] as number) & 0x80808080) !== 0) return bytes.utf8Slice(offset, offset + length);
  }
  return bytes.latin1Slice(offset, offset + length);
}

const INTERN_SLOTS = 1024;
/** Words of the longest text that is interned. */
const INTERN_WORDS = 24;

const internedWords = new Uint32Array(INTERN_SLOTS * INTERN_WORDS);
const internedTexts: { text: string; length: number }[] = Array.from({ length: INTERN_SLOTS }, () => ({
  text: "",
  length: 0,
}));

/**
 * As {@link readText}, for fields that hold the same few texts again and again: a text seen before is compared word by
 * word and its string given again, which costs less than making one. Slots are overwritten, so memory is bounded.
 */
export function readInternedText(memory: RingMemory, offset: number, length: number): string {
  const { u32 } = memory;
  const first = offset >> 2;
  const words = (length + 3) >> 2;
  if (words > INTERN_WORDS) return readText(memory, offset, length);
  let hash = length;
  for (let word = 0; word < words; word++) hash = Math.imul(hash ^ (u32[first + word] as number), 0x9e3779b1);
  const slot = (hash ^ (hash >>> 15)) & (INTERN_SLOTS - 1);
  const entry = internedTexts[slot] as { text: string; length: number };
  const stored = slot * INTERN_WORDS;
  let word = 0;
  if (entry.length === length) while (word < words && internedWords[stored + word] === u32[first + word]) word++;
  if (entry.length !== length || word < words) {
    entry.text = readText(memory, offset, length);
    entry.length = length;
    internedWords.set(u32.subarray(first, first + words), stored);
  }
  return entry.text;
}

const V4_MAPPED = 0xffff0000;
const CACHE_MAX = 16384;

const ipv4Cache = new Map<number, string>();
const ipv6Cache = new Map<string, string>();

/** The 16-byte address at an offset that is a multiple of 4: IPv4 when mapped, else IPv6 as RFC 5952 writes it. */
export function readAddress({ bytes, u32 }: RingMemory, offset: number): string {
  const word = offset >> 2;
  if (u32[word] === 0 && u32[word + 1] === 0 && u32[word + 2] === V4_MAPPED) {
    const key = u32[word + 3] as number;
    return remember(
      ipv4Cache,
      CACHE_MAX,
      key,
      () => `${key & 255}.${(key >>> 8) & 255}.${(key >>> 16) & 255}.${key >>> 24}`,
    );
  }
  const key = bytes.latin1Slice(offset, offset + 16);
  return remember(ipv6Cache, CACHE_MAX, key, () => formatIpv6(Buffer.from(key, "latin1")));
}

/** RFC 5952 section 4: lower-case hexadecimal, no leading zeros, the first longest run of two or more zero groups as `::`. */
function formatIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}
