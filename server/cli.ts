/**
 * The command line. Run by Bun; `server/setup/` starts it.
 * @module
 */

import manifest from "../package.json" with { type: "json" };
import { ConfigError, formatConfig, loadConfig } from "./config.ts";
import { COMMANDS, type Command, helpText, isCommand } from "./help.ts";
import { suggestion } from "./nearest.ts";

const EXIT_USAGE = 2;

const help = (): string => helpText(loadConfig([], {}).config);

const runTail = async (argv: readonly string[]): Promise<number> => {
  const { readTailFlags } = await import("./tail-flags.ts");
  const { rest, problems, ...flags } = readTailFlags(argv);
  if (problems.length > 0) throw new ConfigError(problems);
  const { config } = loadConfig(rest, process.env);
  const { tail } = await import("./tail.ts");
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());
  // https://no-color.org
  const isColored = process.stdout.isTTY === true && !process.env.NO_COLOR;
  try {
    return await tail({ ...config, isColored, ...flags, signal: ending.signal });
  } catch (error) {
    return fail(`kernelcast: ${error instanceof Error ? error.message : error}`);
  }
};

const runReplay = async (argv: readonly string[]): Promise<number> => {
  const json = argv.includes("--json");
  const { config, sources } = loadConfig(
    argv.filter((word) => word !== "--json"),
    process.env,
    "source",
  );
  if (sources.source.name !== "argument")
    return fail("kernelcast: which file? kernelcast replay FILE, or - to read a pipe");
  if (json) {
    const { printReplay } = await import("./print-replay.ts");
    return printReplay(config);
  }
  const { serve } = await import("./index.ts");
  return serve(config);
};

const commands: Record<Command, (argv: readonly string[]) => Promise<number>> = {
  async serve(argv) {
    const { config } = loadConfig(argv, process.env);
    // Late, so that the other commands neither load the reader library nor wait for it.
    const { serve } = await import("./index.ts");
    return serve(config);
  },
  replay: runReplay,
  async doctor() {
    const { doctor } = await import("./doctor.ts");
    return doctor();
  },
  tail: runTail,
  async config(argv) {
    const { config, sources } = loadConfig(argv, process.env);
    return print(formatConfig(config, sources));
  },
};

// The process ends right after; what a pipe has not taken by then would be lost.
const print = async (text: string): Promise<number> => {
  await Bun.write(Bun.stdout, text);
  return 0;
};

const fail = (message: string): number => {
  process.stderr.write(`${message}\n`);
  return EXIT_USAGE;
};

/** Runs one command. Resolves to its exit code: 2 for what the user must correct. */
const main = async (argv: readonly string[]): Promise<number> => {
  const [word, ...rest] = argv;
  if (word === undefined) return fail(help().trimEnd());
  if (argv.includes("--help") || argv.includes("-h") || word === "help") {
    return print(help());
  }
  if (word === "--version" || word === "-v" || word === "version") {
    return print(`${manifest.version}\n`);
  }
  if (!isCommand(word)) {
    const known = Object.keys(COMMANDS);
    return fail(`kernelcast: unknown command "${word}"${suggestion(word, known) || "."} Commands: ${known.join(", ")}`);
  }
  try {
    return await commands[word](rest);
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.problems.map((problem) => `kernelcast: ${problem}`).join("\n"));
    throw error;
  }
};

process.exit(await main(process.argv.slice(2)));
