/**
 * Every setting of the service, once: its type, its limits, its default and the words that `--help` shows for it. The flag
 * and the variable follow from the key: `queueMax` is `--queue-max` and `KERNELCAST_QUEUE_MAX`.
 * @module
 */

import { z } from "zod";
import { parameterName, redaction, template } from "./target-settings.ts";

/** What `--help` says of a setting. A setting without a hint is a switch. */
interface SettingText {
  about: string;
  hint?: string;
  /** Each time that the flag is given adds a value; a variable holds all of them, with spaces between. */
  repeats?: true;
}

const integer = (min: number, max: number) => {
  const error = `expected an integer from ${min} to ${max}`;
  return z
    .string({ error })
    .regex(/^\d{1,15}$/, error)
    .transform(Number)
    .pipe(z.int({ error }).min(min, error).max(max, error));
};

const powerOfTwo = (min: number, max: number) => {
  const error = `expected a power of two from ${min} to ${max}`;
  return integer(min, max).refine((n) => Number.isInteger(Math.log2(n)), { error });
};

const SWITCH_WORDS = new Map<string | boolean, boolean>([
  ...["true", "1", "yes", "on"].map((word) => [word, true] as const),
  ...["false", "0", "no", "off"].map((word) => [word, false] as const),
  [true, true],
  [false, false],
]);

const onOff = () => {
  const error = "expected true or false";
  return z
    .union([z.string(), z.boolean()], { error })
    .refine((word) => SWITCH_WORDS.has(word), { error })
    .transform((word) => SWITCH_WORDS.get(word) === true);
};

const address = () => {
  const error = "expected an IP address or a host name, without scheme or port";
  return z.string({ error }).regex(/^[0-9A-Za-z._-]+$|^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[0-9A-Za-z._-]+)?$/, error);
};

const origin = () => {
  const error = "expected scheme, host and perhaps port of a site, such as https://grafana.example";
  return z.string({ error }).refine((text) => URL.parse(text)?.origin === text && /^https?:/.test(text), { error });
};

/** Those that `ffi/` can read; a test holds the two lists together. */
const PROTOCOLS = ["http", "tcp"] as const;

const protocolList = () => {
  const error = `expected one or more of ${PROTOCOLS.join(", ")}, with commas between`;
  return z
    .string({ error })
    .transform((list) => [...new Set(list.split(",").map((name) => name.trim()))])
    .pipe(z.array(z.enum(PROTOCOLS, { error }), { error }).min(1, error));
};

/** Those of `SpanPolicy` in `otel/side.ts`; the composition root holds the two together. */
const SPANS = ["auto", "server", "client", "both"] as const;

const speed = () => {
  const error = "expected max, or by how much faster than it was captured, such as 1 or 0.5";
  return z
    .string({ error })
    .regex(/^(max|\d{1,6}(\.\d{1,6})?)$/, error)
    .refine((word) => word === "max" || Number(word) > 0, { error })
    .transform((word) => (word === "max" ? word : Number(word)));
};

const oneOf = <const T extends readonly string[]>(words: T) =>
  z.enum(words, { error: `expected one of ${words.join(", ")}` });

const describe = <S extends z.ZodType>(schema: S, text: SettingText) => schema.meta({ ...text });

const configSchema = z.strictObject({
  host: describe(address().default("127.0.0.1"), {
    hint: "ADDRESS",
    about: "address to listen on",
  }),
  port: describe(integer(0, 65_535).default(4320), {
    hint: "PORT",
    about: "port to listen on; 0 takes a free one",
  }),
  unixSocket: describe(z.string().min(1, "expected a path").optional(), {
    hint: "PATH",
    about: "listen on a Unix socket that only this user may open, and on no port",
  }),
  tokenFile: describe(z.string().min(1, "expected a path").optional(), {
    hint: "PATH",
    about: 'ask for a token of this file: lines of "read TOKEN" or "control TOKEN"',
  }),
  insecure: describe(onOff().default(false), {
    about: "listen on other addresses than loopback without asking for a token",
  }),
  allowedHost: describe(z.array(address()).default([]), {
    hint: "NAME",
    about: "a name under which this service may be asked, beside addresses and localhost",
    repeats: true,
  }),
  allowedOrigin: describe(z.array(origin()).default([]), {
    hint: "ORIGIN",
    about: "a site whose pages may ask this service, such as https://grafana.example",
    repeats: true,
  }),
  tlsCert: describe(z.string().min(1, "expected a path").optional(), {
    hint: "PATH",
    about: "serve TLS with this certificate chain, in PEM",
  }),
  tlsKey: describe(z.string().min(1, "expected a path").optional(), {
    hint: "PATH",
    about: "the certificate's private key, in PEM",
  }),
  source: describe(z.string().min(1, "expected kernel, auto, or a capture file").default("kernel"), {
    hint: "SOURCE",
    about: "kernel; auto, a demonstration where the kernel cannot be watched; or a capture file",
  }),
  attach: describe(oneOf(["socket", "cgroup", "auto"]).default("auto"), {
    hint: "HOW",
    about:
      "where packets are seen: socket, on the devices of this network namespace; cgroup, at all local sockets; auto",
  }),
  cgroup: describe(z.string().min(1, "expected a path").optional(), {
    hint: "PATH",
    about: "watch only the sockets of this cgroup of version 2 and of those below it",
  }),
  speed: describe(speed().default("max"), {
    hint: "FACTOR",
    about: "how fast a capture file is replayed: 1 as captured, 2 in half the time, or max",
  }),
  noWait: describe(onOff().default(false), {
    about: "replay a capture file at once, not when the first subscriber comes",
  }),
  captureQuery: describe(onOff().default(false), {
    about: "report query strings, which may hold secrets",
  }),
  redactQuery: describe(z.array(parameterName()).default([]), {
    hint: "NAME",
    about: "hide the value of a query parameter, beside those that are known to hold secrets",
    repeats: true,
  }),
  // What the two builds of bpf/http.bpf.c have room for.
  pathMax: describe(integer(1, 4064).default(224), {
    hint: "BYTES",
    about: "kept of a path and its query; more than 224 costs memory and time at every transaction",
  }),
  redact: describe(z.array(redaction()).default([]), {
    hint: "PATTERN=>REPLACEMENT",
    about: "replace what a regular expression matches of a path, and of a query",
    repeats: true,
  }),
  template: describe(z.array(template()).default([]), {
    hint: "TEMPLATE",
    about: "name the paths that /users/{id}, /files/*.pdf or /static/** describes; the first that fits counts",
    repeats: true,
  }),
  templateOnly: describe(onOff().default(false), {
    about: "report templates in the place of paths, and nothing of a path that none fits",
  }),
  idleTimeoutSeconds: describe(integer(1, 86_400).default(60), {
    hint: "SECONDS",
    about: "give up a transaction whose connection has been silent for so long",
  }),
  maxConnections: describe(integer(64, 16_777_216).default(65_536), {
    hint: "COUNT",
    about: "connections that the kernel follows at once",
  }),
  // A full page of HTTP events, 13,272 bytes with the largest --path-max, must fit, or it is refused for ever and all behind it waits.
  ringKib: describe(powerOfTwo(16, 262_144).default(2048), {
    hint: "KIB",
    about: "kernel ring per CPU, a power of two",
  }),
  // 65,536 events are about 20 MB of JSON: a third of a second at the highest rate seen on a two-core host, and far more
  // than any pause of a healthy subscriber at ordinary rates. Subscribers share frames, and `hub.ts` caps the sum.
  queueMax: describe(integer(1, 16_777_216).default(65_536), {
    hint: "EVENTS",
    about: "events held for a subscriber that lags",
  }),
  queueMib: describe(integer(1, 4096).default(32), {
    hint: "MIB",
    about: "memory for a subscriber that lags",
  }),
  queueSeconds: describe(integer(1, 3600).default(60), {
    hint: "SECONDS",
    about: "how long an event may wait for a subscriber that lags",
  }),
  // 32 MiB are some 50,000 events. What was never needed of it costs nothing.
  historyMib: describe(integer(0, 4096).default(32), {
    hint: "MIB",
    about: "memory for past events, from which subscribers resume; 0 keeps none",
  }),
  historySeconds: describe(integer(1, 86_400).default(60), {
    hint: "SECONDS",
    about: "how long past events are kept, if there is memory",
  }),
  heartbeatSeconds: describe(integer(1, 3600).default(15), {
    hint: "SECONDS",
    about: "how often subscribers are told how far they have got, though nothing was for them",
  }),
  kernelFilter: describe(onOff().default(true), {
    about: "leave out in the kernel what no subscriber wants; only while neither spans nor metrics are on",
  }),
  compress: describe(onOff().default(false), {
    about: "compress what is sent to WebSockets that can take it: a quarter of the bytes, some ten times the work",
  }),
  protocols: describe(protocolList().default([...PROTOCOLS.slice(0, 1)]), {
    hint: "LIST",
    about: `what to watch: ${PROTOCOLS.join(", ")}, with commas between`,
  }),
  spans: describe(oneOf(SPANS).default("auto"), {
    hint: "SIDE",
    about: `whose span a transaction becomes: ${SPANS.join(", ")}`,
  }),
  subscriberMax: describe(integer(1, 100_000).default(1000), {
    hint: "COUNT",
    about: "subscribers at once",
  }),
});

/** The effective settings, validated. */
type Config = Readonly<z.infer<typeof configSchema>>;
type SettingKey = keyof Config;

const SETTING_KEYS = Object.keys(configSchema.shape) as SettingKey[];

const words = (key: string) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `queueMax` as on the command line, without the dashes: `queue-max`. */
const flagName = (key: SettingKey): string => words(key);

/** `queueMax` as in the environment: `KERNELCAST_QUEUE_MAX`. */
const variableName = (key: SettingKey): string => `KERNELCAST_${words(key).replaceAll("-", "_").toUpperCase()}`;

/** What `--help` says of a setting. */
const settingText = (key: SettingKey): SettingText => configSchema.shape[key].meta() as unknown as SettingText;

const isSwitch = (key: SettingKey): boolean => settingText(key).hint === undefined;

const isRepeated = (key: SettingKey): boolean => settingText(key).repeats === true;

/** A value as one would set it. */
const settingValue = (value: Config[SettingKey]): string => {
  if (value === undefined) return "none";
  if (!Array.isArray(value)) return String(value);
  const items = value.map((item) => (typeof item === "string" ? item : `${item.pattern}=>${item.replacement}`));
  return items.length === 0 ? "none" : items.join(" ");
};

export type { Config, SettingKey, SettingText };
export {
  configSchema,
  flagName,
  isRepeated,
  isSwitch,
  PROTOCOLS,
  SETTING_KEYS,
  settingText,
  settingValue,
  variableName,
};
