import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { removeFolders, temporaryFolder } from "./support/nginx.ts";
import { Service } from "./support/service.ts";

/** `kernelcast/testing` in the runners that it is for, with the real kernel. */

const LIMIT_MILLIS = 60_000;
const PROGRAMS = new URL("support/programs", import.meta.url).pathname;
const VITEST = new URL("../../node_modules/vitest/vitest.mjs", import.meta.url).pathname;

afterEach(async () => {
  await endAll();
  removeFolders();
}, LIMIT_MILLIS);

function vitest(): string[] {
  const folder = temporaryFolder();
  const config = join(folder, "vitest.config.mjs");
  writeFileSync(
    config,
    `export default ${JSON.stringify({ root: PROGRAMS, cacheDir: folder, test: { include: ["tap-vitest.mjs"], cache: false } })};`,
  );
  return ["node", VITEST, "run", `--config=${config}`];
}

const runners: [name: string, command: () => string[], passed: RegExp][] = [
  ["bun test", () => [process.execPath, "test", `${PROGRAMS}/tap-bun.mjs`], /\b3 pass\n\s*0 fail/],
  ["vitest", vitest, /Tests +3 passed \(3\)/],
];

describeKernel("a tap of the host", () => {
  test.each(runners)(
    "works in %s, which needs not wait for anything",
    async (_, command, passed) => {
      const network = await Network.open();
      const { url } = await Service.start(network);
      const env = { SERVICE_URL: url, NO_COLOR: "1", CI: "true" };
      const { exitCode, stdout, stderr } = await network.start(command(), env).outcome();
      expect(stdout + stderr).toMatch(passed);
      expect(exitCode).toBe(0);
    },
    LIMIT_MILLIS,
  );
});
