/**
 * What happens when a process has no descriptor left: a connection that cannot be accepted keeps the listening socket ready,
 * and the event loop turns without a pause, for as long as that lasts. It is made to pause then.
 * @module
 */

import { closeSync, openSync } from "node:fs";

/** Once a turn: what happens otherwise is late by no more. */
const PAUSE_MILLIS = 2;
/** Of the process, and of the system. */
const NONE_LEFT = new Set(["EMFILE", "ENFILE"]);

const isNoneLeft = (): boolean => {
  try {
    closeSync(openSync("/dev/null", "r"));
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && NONE_LEFT.has(String(error.code));
  }
};

interface DescriptorWatch {
  /** Call about once a second. */
  check(): void;
  stop(): void;
}

const watchDescriptors = (): DescriptorWatch => {
  let turn: NodeJS.Immediate | undefined;
  const pause = (): void => {
    turn = undefined;
    if (!isNoneLeft()) return;
    Bun.sleepSync(PAUSE_MILLIS);
    turn = setImmediate(pause);
  };
  return {
    check: () => {
      if (turn === undefined) pause();
    },
    stop: () => {
      clearImmediate(turn);
      turn = undefined;
    },
  };
};

export { watchDescriptors };
