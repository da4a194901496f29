/** Bytes as the text files write them. */

/** A text that cannot be read; the message says what is wrong, not where. */
export class NotationError extends Error {
  override name = "NotationError";
}

export interface Notation {
  bytes: Buffer;
  /** What stood in `\{...*N}`. */
  repeated: { start: number; end: number }[];
}

const SIMPLE: Record<string, number> = { r: 13, n: 10, t: 9, "\\": 92, "[": 91, "{": 123, "}": 125, "*": 42, '"': 34 };
const SHORTEST_RUN = 24;

/**
 * Reads `\r \n \t \\ \[ \" \xHH`, `\{BYTES*COUNT}` (a repetition) and everything else as UTF-8.
 * @throws NotationError
 */
export function readBytes(text: string): Notation {
  const parts: Buffer[] = [];
  const repeated: Notation["repeated"] = [];
  let length = 0;
  const add = (part: Buffer) => {
    parts.push(part);
    length += part.length;
  };
  for (let at = 0; at < text.length; ) {
    const plain = text.indexOf("\\", at);
    const end = plain < 0 ? text.length : plain;
    if (end > at) add(Buffer.from(text.slice(at, end), "utf8"));
    at = end;
    if (at === text.length) break;
    const letter = text[at + 1] ?? "";
    const hex = text.slice(at).match(/^\\x([0-9a-fA-F]{2})/)?.[1];
    const run = text.slice(at).match(/^\\\{((?:\\.|[^\\*}])+)\*(\d+)\}/);
    if (hex !== undefined) {
      add(Buffer.from([Number.parseInt(hex, 16)]));
      at += 4;
    } else if (run) {
      const [whole, inner = "", count] = run;
      const one = readBytes(inner).bytes;
      const start = length;
      add(Buffer.alloc(one.length * Number(count), one));
      repeated.push({ start, end: length });
      at += whole.length;
    } else if (SIMPLE[letter] !== undefined) {
      add(Buffer.from([SIMPLE[letter]]));
      at += 2;
    } else {
      throw new NotationError(`\\${letter} is none of \\r \\n \\t \\\\ \\[ \\" \\xHH \\{BYTES*COUNT}`);
    }
  }
  return { bytes: Buffer.concat(parts), repeated };
}

/** A text as an expectation writes it: long runs of one character as `\{x*300}`, in quotes where it has a blank. */
export function writeText(text: string): string {
  const escaped = text.replace(/(.)\1{23,}|[\\"\p{Cc}]/gsu, (found, character: string | undefined) => {
    if (found.length >= SHORTEST_RUN) return `\\{${writeCharacter(character as string)}*${found.length}}`;
    return writeCharacter(found);
  });
  return escaped === "" || escaped.includes(" ") ? `"${escaped}"` : escaped;
}

function writeCharacter(character: string): string {
  if (character === "\\" || character === '"') return `\\${character}`;
  const code = character.charCodeAt(0);
  return code < 32 || code === 127 ? `\\x${code.toString(16).padStart(2, "0")}` : character;
}
