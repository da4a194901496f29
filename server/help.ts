import {
  type Config,
  flagName,
  isRepeated,
  isSwitch,
  SETTING_KEYS,
  type SettingKey,
  settingText,
  settingValue,
  variableName,
} from "./settings.ts";
import { SUBSCRIPTION_KEYS, tailFlagName } from "./tail-flags.ts";

const COMMANDS = {
  serve: "watch this host and serve what is seen",
  replay: "FILE: the same for what a pcap or pcapng file holds, - for standard input; --json prints it and ends",
  doctor: "say what works on this host, what does not, and why",
  tail: "print transactions of a running service",
  config: "print the effective settings and where each came from",
} as const;

type Command = keyof typeof COMMANDS;

const isCommand = (word: string): word is Command => Object.hasOwn(COMMANDS, word);

const columns = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
};

const settingRow = (key: SettingKey): readonly [string, string] => {
  const { hint, about } = settingText(key);
  return [`--${flagName(key)}${hint === undefined ? "" : ` ${hint}`}`, about];
};

/** @param defaults value of each setting that nobody set */
const helpText = (defaults: Config): string =>
  `Kernelcast shows the HTTP traffic of this host, seen from inside the kernel.

Usage: kernelcast <command> [settings]

Commands
${columns(Object.entries(COMMANDS))}
Settings
${columns(
  SETTING_KEYS.map((key) => {
    const [left, about] = settingRow(key);
    if (isRepeated(key)) return [left, `${about}; may be repeated`];
    return [left, `${about} (${isSwitch(key) ? "off" : settingValue(defaults[key])})`];
  }),
)}
What tail prints; each but the last four may be repeated, a leading ! excludes
  ${SUBSCRIPTION_KEYS.map((key) => `--${tailFlagName(key)}`).join(" ")}
  and where, beside --host and --port: --url; and how: --json, --color, --no-color

Each can also be set by a variable, which its flag overrides: ${variableName("port")} for --port, and so on.
Span export follows the OTEL_* variables: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
`;

export type { Command };
export { COMMANDS, helpText, isCommand };
