/**
 * What a subscriber wants to see. One schema reads it from URL parameters and from messages, and gives its canonical form:
 * filters that select the same by the same words are equal as JSON, and may be given back as they are.
 * @module
 */

import { z } from "zod";
import type { Network } from "../ffi/event.ts";
import { formatNetwork, parseNetwork } from "./network.ts";
import { formatRange, formatStatusRange, type NumberRange, parseRange, parseStatusRange } from "./number-range.ts";

/** How one value of a key is written. */
interface Kind<T> {
  expected: string;
  /** Undefined: it is none. */
  parse(text: string): T | undefined;
  /** Canonical. */
  format(value: T): string;
}

/** The values of a key: one of `any`, if there are such, and none of `none`. */
interface Terms<T> {
  any: readonly T[];
  none: readonly T[];
}

const VALUES_MAX = 64;
const TEXT_MAX = 512;
const PORT_MAX = 65_535;
const NOT = "!";

const PROTOCOLS = ["http", "tcp"] as const;
/** RFC 9110 section 5.6.2: tchar. */
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,24}$/;
/** What prints, without what a path or host cannot hold, and without U+FFFD, which stands for bytes that are no text. */
const PATH = /^[/*][^\p{C}\p{Z}?#\ufffd]*$/u;
const HOST = /^[^\p{C}\p{Z}/?#\ufffd]+$/u;

const word = (expected: string, pattern: RegExp, canonical: (text: string) => string): Kind<string> => ({
  expected,
  parse: (text) => (pattern.test(text) ? canonical(text) : undefined),
  format: (text) => text,
});

/** ASCII alone: it is how methods and hosts are compared. */
const lowerCase = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
const upperCase = (text: string): string => text.replace(/[a-z]/g, (letter) => letter.toUpperCase());

const protocolKind = word(`one of ${PROTOCOLS.join(", ")}`, new RegExp(`^(${PROTOCOLS.join("|")})$`), (text) => text);
const methodKind = word("a method such as GET", METHOD, upperCase);
const pathKind = word("a path such as /users/* or /static/**, without a query", PATH, (text) =>
  text.replace(/\*{3,}/g, "**"),
);
const hostKind = word("a host such as api.local or *.local", HOST, (text) => lowerCase(text).replace(/\*+/g, "*"));
/** Is a pattern of hosts held against the port, too? */
const hasPort = (pattern: string): boolean => /:[\d*]+$/.test(pattern);

const statusKind: Kind<NumberRange> = {
  expected: "a status such as 500, 5xx or 400-499; 0 is no response",
  parse: parseStatusRange,
  format: formatStatusRange,
};
const portKind: Kind<NumberRange> = {
  expected: "a port such as 8080 or 8000-8099",
  parse: (text) => parseRange(text, PORT_MAX),
  format: formatRange,
};
const networkKind: Kind<Network> = {
  expected: "an address or network such as 10.0.0.0/8 or fd00::/8",
  parse: parseNetwork,
  format: formatNetwork,
};

const ONE_VALUE = { type: ["string", "integer"] };
const NEGATABLE = `; a leading ${NOT} excludes`;

const canonicalValue = <T>(kind: Kind<T>, given: string): string | undefined => {
  const negated = given.startsWith(NOT);
  const value = given.length > TEXT_MAX ? undefined : kind.parse(negated ? given.slice(NOT.length) : given);
  return value === undefined ? undefined : `${negated ? NOT : ""}${kind.format(value)}`;
};

/** A key that may be given again and again. What comes out is sorted, without doubles. */
const terms = <T>(kind: Kind<T>, about: string) => {
  const error = `expected ${kind.expected}${NEGATABLE}`;
  const value = z.union([z.string(), z.int()], { error }).transform((given, context): string => {
    const canonical = canonicalValue(kind, String(given));
    if (canonical === undefined) context.addIssue({ code: "custom", message: error, input: given });
    return canonical ?? "";
  });
  const tooMany = `expected at most ${VALUES_MAX} values`;
  return z
    .unknown()
    .meta({
      description: `${about}: ${kind.expected}${NEGATABLE}; given again: any of them`,
      anyOf: [ONE_VALUE, { type: "array", items: ONE_VALUE, minItems: 1, maxItems: VALUES_MAX }],
    })
    .transform((given) => (Array.isArray(given) ? given : [given]))
    .pipe(z.array(value, { error }).min(1, error).max(VALUES_MAX, tooMany))
    .transform((values) => [...new Set(values)].sort())
    .optional();
};

const DURATION_ERROR = "expected milliseconds, such as 250 or 0.5";
const minDurationMs = z
  .union(
    [
      z.number(),
      z
        .string()
        .regex(/^\d{1,15}(\.\d{1,6})?$/)
        .transform(Number),
    ],
    { error: DURATION_ERROR },
  )
  .refine((millis) => Number.isFinite(millis) && millis >= 0, { error: DURATION_ERROR })
  .optional()
  .meta({ description: "at least so many milliseconds from the first request packet to the last response packet" });

const SAMPLE_ERROR = "expected a share above 0 and up to 1, such as 0.1 or 1/10";
const share = (text: string): number => {
  const [, part, whole = "1"] = /^(\d{1,9}(?:\.\d{1,9})?)(?:\/(\d{1,9}))?$/.exec(text) ?? [];
  return Number(part) / Number(whole);
};
const sample = z
  .union([z.number(), z.string().transform(share)], { error: SAMPLE_ERROR })
  .refine((rate) => rate > 0 && rate <= 1, { error: SAMPLE_ERROR })
  .optional()
  .meta({
    description: "share of the events, chosen by their numbers, so that equal shares are the same events: 0.1 or 1/10",
  });

/** The keys of a filter, of a URL's parameters and of a message's object alike. */
const filterKeys = {
  protocol: terms(protocolKind, "protocol"),
  method: terms(methodKind, "request method, whatever its case"),
  status: terms(statusKind, "status of the final response"),
  path: terms(pathKind, "path as it is reported; * is any text of one segment, ** any text"),
  host: terms(hostKind, "host that was asked for, without its port unless one is given; * is any text"),
  port: terms(portKind, "the server's port"),
  client: terms(networkKind, "who asked"),
  server: terms(networkKind, "who was asked"),
  minDurationMs,
  sample,
};

type FilterKeys = z.infer<z.ZodObject<typeof filterKeys>>;

/** Canonical; an absent key is no condition. */
type Filter = Readonly<{ [K in keyof FilterKeys]: Exclude<FilterKeys[K], undefined> }>;

const EVERYTHING: Filter = {};

/** Keys in their order, and none that says nothing. */
const canonicalFilter = (given: FilterKeys): Filter => {
  const { minDurationMs, sample, ...lists } = given;
  const filter: Record<string, unknown> = {};
  for (const key of Object.keys(filterKeys)) {
    const values = lists[key as keyof typeof lists];
    if (values !== undefined) filter[key] = values;
  }
  if (minDurationMs !== undefined && minDurationMs > 0) filter.minDurationMs = minDurationMs;
  if (sample !== undefined && sample < 1) filter.sample = sample;
  return filter as Filter;
};

/** Of a message: an object of the keys above. */
const filterSchema = z.strictObject(filterKeys).transform(canonicalFilter);

const splitTerms = <T>(kind: Kind<T>, values: readonly string[]): Terms<T> => {
  const parse = (text: string): T => {
    const value = kind.parse(text);
    if (value === undefined) throw new TypeError(`${JSON.stringify(text)} is not canonical: expected ${kind.expected}`);
    return value;
  };
  const negated = values.filter((text) => text.startsWith(NOT));
  return {
    any: values.filter((text) => !text.startsWith(NOT)).map(parse),
    none: negated.map((text) => parse(text.slice(NOT.length))),
  };
};

export type { Filter, Terms };
export {
  canonicalFilter,
  EVERYTHING,
  filterKeys,
  filterSchema,
  hasPort,
  hostKind,
  methodKind,
  networkKind,
  pathKind,
  portKind,
  protocolKind,
  splitTerms,
  statusKind,
  upperCase,
};
