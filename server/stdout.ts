import { writeSync } from "node:fs";

/**
 * Writes whole lines; false when nobody reads any more. Blocks while the reader is slow, so that the loss, if any, is where it
 * is counted: in the service.
 */
const printToStdout = (lines: string): boolean => {
  let rest = Buffer.from(lines);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EPIPE") return false;
      if (code !== "EAGAIN") throw error;
      Bun.sleepSync(1);
    }
  }
  return true;
};

export { printToStdout };
