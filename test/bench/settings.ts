import { parseArgs } from "node:util";

export interface Settings {
  /** Under 3 minutes in all: what takes long is left out. */
  quick: boolean;
  /** Interleaved rounds of each variant. */
  rounds: number;
  /** Of each measured load. */
  seconds: number;
  /** Of the load before each measured one, whose figures are thrown away. */
  warmUpSeconds: number;
  connections: number;
  /** Single requests on a quiet machine. */
  quietRequests: number;
  idleSeconds: number;
  syncCalls: number;
  /** Of each rate of events without packets. */
  floodSeconds: number;
  /** Of each rate through the whole pipe. */
  pipeSeconds: number;
  /** Of each rate and number of subscribers. */
  fanOutSeconds: number;
  /** Of each way of sending spans, in each round. */
  spanSeconds: number;
}

const HELP = `npm run bench [-- --quick] [-- --rounds N] [-- --seconds N]

  --quick      fewer and shorter rounds, under 3 minutes
  --rounds N   interleaved rounds of each variant (7; quick: 3)
  --seconds N  length of each measured load (8; quick: 3)`;

const FULL: Settings = {
  quick: false,
  rounds: 7,
  seconds: 8,
  warmUpSeconds: 2,
  connections: 16,
  quietRequests: 20,
  idleSeconds: 10,
  syncCalls: 400,
  floodSeconds: 4,
  pipeSeconds: 5,
  fanOutSeconds: 2,
  spanSeconds: 3,
};

const QUICK: Settings = {
  ...FULL,
  quick: true,
  rounds: 3,
  seconds: 3,
  warmUpSeconds: 1,
  idleSeconds: 5,
  syncCalls: 200,
  floodSeconds: 2,
  pipeSeconds: 2,
  fanOutSeconds: 1,
  spanSeconds: 1.5,
};

/** @returns undefined after the help was shown. @throws TypeError for an option that is not there or not a number */
export function readSettings(args: string[]): Settings | undefined {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: "boolean" },
      quick: { type: "boolean" },
      rounds: { type: "string" },
      seconds: { type: "string" },
    },
  });
  if (values.help) {
    console.log(HELP);
    return undefined;
  }
  const preset = values.quick ? QUICK : FULL;
  return {
    ...preset,
    rounds: countOf("--rounds", values.rounds, 100) ?? preset.rounds,
    seconds: countOf("--seconds", values.seconds, 600) ?? preset.seconds,
  };
}

function countOf(flag: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > max)
    throw new TypeError(`${flag}: expected an integer from 1 to ${max}, got "${text}"`);
  return count;
}
