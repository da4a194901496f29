/**
 * The effective settings: flags win over `KERNELCAST_*` variables, these over defaults.
 * @module
 */

import { type Environment, readEnvironment, readFlags, type Source } from "./config-source.ts";
import { type Config, configSchema, flagName, SETTING_KEYS, type SettingKey, settingValue } from "./settings.ts";

type ConfigSources = Readonly<Record<SettingKey, Source>>;

/** Settings that cannot be used. The message holds one line per problem, each naming the setting, what was expected and what was given. */
class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/**
 * Validates all settings at once. Pure.
 *
 * @param argv without the command
 * @param argument the setting that an argument without a flag sets
 * @throws {ConfigError} naming every problem
 */
const loadConfig = (
  argv: readonly string[],
  env: Environment,
  argument?: SettingKey,
): { config: Config; sources: ConfigSources } => {
  const flags = readFlags(argv, argument);
  const variables = readEnvironment(env);
  const problems = [...flags.problems, ...variables.problems];
  const chosen = new Map([...variables.values, ...flags.values]);

  const parsed = configSchema.safeParse(Object.fromEntries([...chosen].map(([key, raw]) => [key, raw.value])));
  for (const issue of parsed.error?.issues ?? []) {
    const [key, item] = issue.path as [SettingKey, number?];
    const raw = chosen.get(key);
    const given = item === undefined ? raw?.value : [raw?.value].flat()[item];
    problems.push(`${raw?.source.name}: ${issue.message}, got ${JSON.stringify(given)}`);
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError([...new Set(problems)]);

  const source = (key: SettingKey): Source =>
    chosen.get(key)?.source ?? { from: "default", name: `--${flagName(key)}` };
  const sources = Object.fromEntries(SETTING_KEYS.map((key) => [key, source(key)])) as ConfigSources;
  return { config: parsed.data, sources };
};

/** Each effective setting, its value and where it came from; a line each, in columns. */
const formatConfig = (config: Config, sources: ConfigSources): string => {
  const rows = SETTING_KEYS.map((key) => {
    const { from, name } = sources[key];
    return [flagName(key), settingValue(config[key]), from === "default" ? from : `${from} ${name}`];
  });
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = [width(0), width(1)];
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => `${line}\n`)
    .join("");
};

export type { Config, ConfigSources };
export { ConfigError, formatConfig, loadConfig };
