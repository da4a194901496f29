/**
 * Reads raw settings from the command line and the environment. Names are checked here, values in `settings.ts`.
 * @module
 */

import { parseArgs } from "node:util";
import { suggestion } from "./nearest.ts";
import { flagName, isRepeated, isSwitch, SETTING_KEYS, type SettingKey, variableName } from "./settings.ts";

/** Where a value came from: the kind of place and the name it has there. */
interface Source {
  from: "flag" | "environment" | "default";
  /** `--port`, `KERNELCAST_PORT`; for a default, the flag that would change it. */
  name: string;
}

interface RawSetting {
  /** A list for a setting that may be repeated. */
  value: string | boolean | readonly string[];
  source: Source;
}

interface RawSettings {
  values: Map<SettingKey, RawSetting>;
  /** One line each. */
  problems: string[];
}

type Environment = Record<string, string | undefined>;

const VARIABLE_PREFIX = "KERNELCAST_";

// Kubernetes sets these in every pod beside a Service named "kernelcast"; they are not meant for us. KERNELCAST_PORT is
// then a URL. https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
const SERVICE_LINK = /^KERNELCAST_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))/;
const isServiceLink = (name: string, value: string): boolean =>
  SERVICE_LINK.test(name) || (name === "KERNELCAST_PORT" && /^(tcp|udp|sctp):\/\//.test(value));

/** @param argument the setting that one argument without a flag sets; none may be given when it is undefined */
const readFlags = (argv: readonly string[], argument?: SettingKey): RawSettings => {
  const raw: RawSettings = { values: new Map(), problems: [] };
  const keys = new Map(SETTING_KEYS.map((key) => [flagName(key), key]));
  const flags = SETTING_KEYS.map((key) => `--${flagName(key)}`);
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      SETTING_KEYS.map((key) => [flagName(key), { type: isSwitch(key) ? "boolean" : "string" } as const]),
    ),
    strict: false,
    tokens: true,
  });
  let mistaken: (typeof tokens)[number] | undefined;
  let free = argument;
  const set = (key: SettingKey, given: string | boolean, name = `--${flagName(key)}`) => {
    const before = raw.values.get(key)?.value ?? [];
    const value = isRepeated(key) ? [before, given].flat().map(String) : given;
    raw.values.set(key, { value, source: { from: "flag", name } });
  };

  for (const [index, token] of tokens.entries()) {
    // What follows a flag that was refused is most likely its value: one mistake, one line.
    const afterMistake = index > 0 && tokens[index - 1] === mistaken;
    if (token.kind === "positional" && free !== undefined) {
      set(free, token.value, "argument");
      free = undefined;
    } else if (token.kind === "positional" && !afterMistake)
      raw.problems.push(`unexpected argument "${token.value}"; settings begin with --`);
    if (token.kind !== "option") continue;
    const key = keys.get(token.name);
    const negated = token.name.startsWith("no-") ? keys.get(token.name.slice(3)) : undefined;
    if (negated !== undefined && isSwitch(negated) && token.value === undefined) set(negated, false);
    else if (key === undefined) {
      mistaken = token;
      raw.problems.push(
        `unknown flag ${token.rawName}${suggestion(token.rawName, flags) || "; --help lists them all"}`,
      );
    } else if (isSwitch(key)) set(key, token.value ?? true);
    else if (token.value === undefined || (!token.inlineValue && token.value.startsWith("-"))) {
      mistaken = token;
      raw.problems.push(`${token.rawName} needs a value`);
    } else set(key, token.value);
  }
  return raw;
};

const readEnvironment = (env: Environment): RawSettings => {
  const raw: RawSettings = { values: new Map(), problems: [] };
  const keys = new Map(SETTING_KEYS.map((key) => [variableName(key), key]));
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(VARIABLE_PREFIX) || value === undefined || isServiceLink(name, value)) continue;
    const key = keys.get(name);
    if (key !== undefined) {
      const list = value.split(/\s+/).filter((item) => item !== "");
      raw.values.set(key, { value: isRepeated(key) ? list : value, source: { from: "environment", name } });
    } else
      raw.problems.push(
        `unknown variable ${name}${suggestion(name, [...keys.keys()]) || "; kernelcast --help lists them all"}`,
      );
  }
  return raw;
};

export type { Environment, RawSettings, Source };
export { readEnvironment, readFlags };
