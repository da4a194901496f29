#!/usr/bin/env node
// Plain Node without a dependency: this is what runs before anything is installed.
import { join } from "node:path";
import { prepare, ROOT, runMain } from "./prepare.mjs";
import { runService } from "./service.mjs";

await runMain(async () => {
  const bun = await prepare();
  // The settings of the folder that it was called from (.env, bunfig.toml with its preloads) are not ours, and this may
  // run as root.
  const bunArgs = ["--no-env-file", `--config=${join(ROOT, "bunfig.toml")}`];
  return runService(bun, [...bunArgs, join(ROOT, "server", "cli.ts"), ...process.argv.slice(2)]);
});
