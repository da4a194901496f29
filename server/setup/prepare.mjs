import { realpathSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "./build.mjs";
import { installDependencies } from "./bun.mjs";
import { endCaptured } from "./command.mjs";
import { withLock } from "./lock.mjs";
import { installPackages, missingPackages } from "./packages.mjs";
import { SetupError, say } from "./setup-error.mjs";

/** The repository, wherever it was called from and through whatever link. */
export const ROOT = realpathSync(fileURLToPath(new URL("../../", import.meta.url)));

/**
 * Puts in place what running (or testing) needs: system packages, Bun, dependencies, the native build. Says nothing
 * and takes a fraction of a second when all is there. One process at a time does this.
 *
 * @param {{ tests?: boolean }} [options]
 * @returns {Promise<string>} the Bun to run
 */
export async function prepare({ tests = false } = {}) {
  const [major = 0] = process.versions.node.split(".").map(Number);
  if (major < 18) throw new SetupError(`Node ${process.versions.node} is too old: 18 or newer is needed.`);
  const stop = () => {
    endCaptured();
    process.exit(130);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop).on("SIGHUP", stop);
  try {
    return await withLock(
      ROOT,
      async () => {
        const missing = missingPackages({ tests });
        if (missing.length > 0) await installPackages(missing);
        const bun = await installDependencies(ROOT);
        await build(ROOT, bun);
        return bun;
      },
      { onWait: () => say("waiting for another set-up of this checkout to end") },
    );
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop).off("SIGHUP", stop);
  }
}

/**
 * Runs a program's body and takes its exit code. What set-up cannot do ends it with that one message.
 * @param {() => Promise<number>} body
 */
export async function runMain(body) {
  try {
    process.exitCode = await body();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = error.exitCode;
  }
}

// Called by itself (an image's build, say) it prepares and runs nothing.
if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  await runMain(async () => {
    await prepare();
    return 0;
  });
}
