import { suggestion } from "./nearest.ts";

/** Of a schema that refused something; zod's, and what Standard Schema makes of it. */
interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  /** For keys that the schema does not know. */
  readonly keys?: readonly string[];
}

interface Faulty {
  /** What a key is called: `query parameter`. */
  noun: string;
  /** Those that there are. */
  known: readonly string[];
  /** What was given for a key. */
  given: (key: string) => readonly unknown[];
}

const quote = (values: readonly unknown[]): string => {
  const texts = values.map((value) => JSON.stringify(value) ?? "nothing");
  return texts.map((text) => (text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text)).join(" and ");
};

const QUOTED_MAX = 100;

/** One line that names each wrong key, what is allowed and what was given. */
const faultLine = (issues: readonly Issue[], { noun, known, given }: Faulty): string => {
  const allowed = known.length === 0 ? "none is allowed here" : `allowed: ${known.join(", ")}`;
  const lines = issues.flatMap(({ keys, path = [], message }) => {
    if (keys !== undefined)
      return keys.map((key) => `unknown ${noun} ${JSON.stringify(key)}${suggestion(key, known)}; ${allowed}`);
    const [key, index] = path.map((step) => (typeof step === "object" ? step.key : step));
    const all = given(String(key));
    const wrong = typeof index === "number" && index < all.length ? [all[index]] : all;
    return `${noun} ${JSON.stringify(String(key))}: ${message}, got ${quote(wrong)}`;
  });
  return lines.join("; ");
};

export type { Issue };
export { faultLine };
