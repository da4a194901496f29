// `npm run bench`: sets up what is missing, then measures. `npm run bench -- --help` lists the options.
import { join } from "node:path";
import { prepare, ROOT, runMain } from "../../server/setup/prepare.mjs";
import { runService } from "../../server/setup/service.mjs";
import { SetupError } from "../../server/setup/setup-error.mjs";

await runMain(async () => {
  const args = process.argv.slice(2);
  if (process.getuid?.() !== 0 && !args.includes("--help")) {
    throw new SetupError("the benchmark loads programs into the kernel and reads their run times: run it as root.");
  }
  const bun = await prepare({ tests: true });
  // Ends with us, and gets our signals: it then ends what it started.
  return runService(bun, ["--no-env-file", join(ROOT, "test", "bench", "index.ts"), ...args]);
});
