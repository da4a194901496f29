/**
 * A failure of set-up that the person at the keyboard can act on: its message says what failed and what to do, and is
 * printed without a stack trace.
 */
export class SetupError extends Error {
  /** @param {string} message @param {{ exitCode?: number }} [options] */
  constructor(message, { exitCode = 2 } = {}) {
    super(message);
    this.name = "SetupError";
    this.exitCode = exitCode;
  }
}

/**
 * One calm line of progress. Standard error, so that the output of a command behind the launcher stays pipeable.
 * @param {string} line
 */
export function say(line) {
  process.stderr.write(`kernelcast: ${line}\n`);
}
