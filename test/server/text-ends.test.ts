import { expect, test } from "bun:test";
import { headOf, maskOf, tailOf } from "../../server/text-ends.ts";

test("head and tail are the first and the last bytes of a text, whatever its length and what is around it", () => {
  const memory = Buffer.from(new ArrayBuffer(64));
  for (let index = 0; index < memory.length; index++) memory[index] = 255 - index * 3;
  const words = new Uint32Array(memory.buffer);
  for (let at = 4; at < 16; at += 4) {
    for (let length = 0; length < 20; length++) {
      const bytes = Math.min(length, 4);
      const head = Buffer.alloc(4);
      memory.copy(head, 0, at, at + bytes);
      expect(headOf(words, at) & maskOf(bytes)).toBe(head.readInt32LE());
      const tail = Buffer.alloc(4);
      memory.copy(tail, 4 - bytes, at + length - bytes, at + length);
      expect(tailOf(words, at + length) & ~maskOf(4 - bytes)).toBe(tail.readInt32LE());
    }
  }
});
