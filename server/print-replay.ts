/**
 * `kernelcast replay FILE --json`: prints the transactions of a capture, and ends. No server, no spans.
 * @module
 */

import type { ObservedEvent } from "../ffi/event.ts";
import type { Config } from "./config.ts";
import { openCapture } from "./open-capture.ts";
import { replaySummary, replayWarnings } from "./replay-summary.ts";
import { printToStdout } from "./stdout.ts";
import { jsonLine } from "./terminal.ts";

const EXIT_BROKEN = 1;
const EXIT_REFUSED = 2;

/** Prints to the end of the file, or of whoever reads. Resolves to the exit code: 1 when not all of the file could be read. */
const printReplay = async (config: Config): Promise<number> => {
  let isRead = true;
  const stopped = Promise.withResolvers<void>();
  const printer = {
    offer(batch: readonly ObservedEvent[]) {
      isRead &&= printToStdout(batch.map((event) => `${jsonLine(event)}\n`).join(""));
      if (!isRead) stopped.resolve();
    },
  };
  const chosen = { source: { kind: "replay" }, file: config.source } as const;
  const { capture, replay } = await openCapture(config, chosen, { sinks: [printer] }).catch((error: unknown) => {
    if (error instanceof Error && error.name === "CaptureError") return { capture: undefined, replay: error.message };
    throw error;
  });
  if (capture === undefined || typeof replay === "string" || replay === undefined) {
    process.stderr.write(`kernelcast: ${replay}\n`);
    return EXIT_REFUSED;
  }
  await capture.start();
  replay.play();
  await Promise.race([replay.ended, stopped.promise]);
  const status = replay.status();
  const summary = replaySummary(config.source, status, capture.stats());
  capture.close();
  if (!isRead) return 0;
  for (const line of [...replayWarnings(status), summary]) process.stderr.write(`kernelcast: ${line}\n`);
  return status.state === "broken" ? EXIT_BROKEN : 0;
};

export { printReplay };
