/** A text whose percent-encoded letters are letters again, and where each of them stood. */
export interface Unescaped {
  text: string;
  /** Offset in the original of a character of `text`, or of its end. */
  origin(at: number): number;
}

/** ASCII that prints, without `/` and `%`, which would mean something else when they stood for themselves. */
const ESCAPE = /%(?:2[0-46-9A-Ea-e]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e])/g;

/**
 * `/%75sers/a%40b` is `/users/a@b` to the server that reads it (RFC 3986 section 2.4), so rules must see it as that. Escapes
 * of other bytes stay as they are.
 */
export function unescaped(original: string): Unescaped {
  if (!original.includes("%")) return { text: original, origin: (at) => at };
  const escapes: number[] = [];
  const text = original.replace(ESCAPE, (encoded, at: number) => {
    escapes.push(at - 2 * escapes.length);
    return String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  });
  return { text, origin: (at) => at + 2 * countBelow(escapes, at) };
}

/** How many of the rising numbers are below `limit`. */
function countBelow(rising: readonly number[], limit: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] as number) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
