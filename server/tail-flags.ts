/**
 * The flags of `kernelcast tail` beside the settings: what to print, and how.
 * @module
 */

import type { z } from "zod";
import { subscriptionQuery } from "./subscription.ts";

type SubscriptionKey = keyof typeof subscriptionQuery.shape;
/** As in a URL: validated, and in its own words. */
type SubscriptionParameters = Partial<Record<SubscriptionKey, string[]>>;

interface TailFlags {
  json: boolean;
  /** Undefined: as the terminal can. */
  isColored?: boolean;
  /** Of the service, in the place of `--host` and `--port`. */
  url?: string;
  parameters: SubscriptionParameters;
  /** What the settings' flags are among. */
  rest: string[];
  /** One line each. */
  problems: string[];
}

/** `--host` and `--port` say where the service is. */
const RENAMED: Partial<Record<SubscriptionKey, string>> = { host: "http-host", port: "server-port" };

const SUBSCRIPTION_KEYS = Object.keys(subscriptionQuery.shape) as SubscriptionKey[];

const tailFlagName = (key: SubscriptionKey): string =>
  RENAMED[key] ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const KEYS = new Map(SUBSCRIPTION_KEYS.map((key) => [tailFlagName(key), key]));

const issueLine = ({ path, message }: z.core.$ZodIssue, parameters: SubscriptionParameters): string => {
  const [key, index] = path as [SubscriptionKey, number?];
  const values = parameters[key] ?? [];
  return `--${tailFlagName(key)}: ${message}, got ${JSON.stringify(index === undefined ? values.join(" ") : values[index])}`;
};

/** A key that was given once is no list: some take one value alone. */
const asQuery = (parameters: SubscriptionParameters) =>
  Object.fromEntries(
    Object.entries(parameters).map(([key, values]) => [key, values.length === 1 ? values[0] : values]),
  );

/** Takes them out of a command line. */
const readTailFlags = (argv: readonly string[]): TailFlags => {
  const flags: TailFlags = { json: false, parameters: {}, rest: [], problems: [] };
  const { parameters, rest, problems } = flags;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string;
    const [, name = "", inline] = /^--([a-z-]+)(?:=(.*))?$/s.exec(word) ?? [];
    const key = KEYS.get(name);
    if (word === "--json") flags.json = true;
    else if (word === "--color" || word === "--no-color") flags.isColored = word === "--color";
    else if (key === undefined && name !== "url") rest.push(word);
    else {
      const value = inline ?? argv[++at];
      if (value === undefined || (inline === undefined && value.startsWith("--"))) {
        problems.push(`--${name} needs a value`);
        at--;
      } else if (key === undefined) flags.url = value;
      else parameters[key] = [...(parameters[key] ?? []), value];
    }
  }
  if (flags.url !== undefined && !/^https?:$/.test(URL.parse(flags.url)?.protocol ?? ""))
    problems.push(`--url: expected one such as https://api.local:4320, got ${JSON.stringify(flags.url)}`);
  const result = subscriptionQuery.safeParse(asQuery(parameters));
  problems.push(...(result.error?.issues.map((issue) => issueLine(issue, parameters)) ?? []));
  return flags;
};

export type { SubscriptionParameters, TailFlags };
export { readTailFlags, SUBSCRIPTION_KEYS, tailFlagName };
