import { parseArgs } from "node:util";

export interface Settings {
  /** Under 3 minutes in all: what takes long is left out. */
  quick: boolean;
  /** Interleaved rounds of each variant. */
  rounds: number;
  /** Names of sections; none: all that belong to the run. */
  only: readonly string[];
  /** Of each load side by side, of which there are many; wrk takes whole seconds. */
  watchSeconds: number;
  /** Of each measured load elsewhere. */
  seconds: number;
  /**
   * Of the load before each measured one, whose figures are thrown away. For so long the engine goes on compiling what a
   * service under load does, which takes up to half of the service's CPU.
   */
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

const HELP = `npm run bench [-- --quick] [-- --rounds N] [-- --seconds N] [-- --only SECTION]

  --quick         fewer and shorter rounds, fewer peers, one kind of traffic: under 3 minutes
  --rounds N      interleaved rounds of each variant (5; quick: 3)
  --seconds N     length of each measured load (side by side 2, elsewhere 5; quick: 1 and 2)
  --only SECTION  no other than this; may be repeated`;

const FULL: Settings = {
  quick: false,
  rounds: 5,
  only: [],
  watchSeconds: 2,
  seconds: 5,
  warmUpSeconds: 4,
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
  warmUpSeconds: 1,
  watchSeconds: 1,
  seconds: 2,
  quietRequests: 8,
  idleSeconds: 3,
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
      only: { type: "string", multiple: true },
    },
  });
  if (values.help) {
    console.log(HELP);
    return undefined;
  }
  const preset = values.quick ? QUICK : FULL;
  const seconds = countOf("--seconds", values.seconds, 600);
  return {
    ...preset,
    rounds: countOf("--rounds", values.rounds, 100) ?? preset.rounds,
    seconds: seconds ?? preset.seconds,
    watchSeconds: seconds ?? preset.watchSeconds,
    only: values.only ?? preset.only,
  };
}

function countOf(flag: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > max)
    throw new TypeError(`${flag}: expected an integer from 1 to ${max}, got "${text}"`);
  return count;
}
