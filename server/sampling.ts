/** A number from 0 to 1, excluded, that is always the same for an event and has nothing to do with those of its neighbours. */
const lotOf = (seq: number): number => {
  let mixed = seq | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
};

export { lotOf };
