import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { objectPath } from "../../ffi/reader-options.ts";
import { describeKernel } from "../kernel.ts";

/** What the fuzzer plays to the parser in user space, the program that the kernel's verifier has let in decides alike. */

const FUZZ = join(import.meta.dir, "fuzz");
const LONG_PATH = 4_064;
/** Made anew, beside the corpus. */
const SCRIPTS = 4_000;
const BUILD_MILLIS = 120_000;
const LIMIT_MILLIS = 120_000;

/** Two builds of each: one keeps more of a path. */
const BUILDS = [
  { name: "as usual", variables: [], out: "fuzzing", object: objectPath("http") },
  { name: "with long paths", variables: ["LONG=1"], out: "fuzzing.long", object: objectPath("http", LONG_PATH) },
];

describeKernel("the parser in the kernel and in user space", () => {
  for (const { name, variables, out, object } of BUILDS) {
    describe(name, () => {
      beforeAll(() => {
        const { exitCode, stderr } = Bun.spawnSync(["make", "--silent", "-C", FUZZ, "differ", ...variables]);
        if (exitCode !== 0) throw new Error(`differ could not be built: ${stderr}`);
      }, BUILD_MILLIS);

      for (const query of ["0", "1"]) {
        test(
          `they say the same of every script, ${query === "1" ? "with" : "without"} the query`,
          async () => {
            const command = [join(import.meta.dir, ".output", out, "differ"), object, query, String(SCRIPTS), "corpus"];
            const differ = Bun.spawn(command, { cwd: FUZZ, stdout: "pipe", stderr: "pipe" });
            const said = new Response(differ.stdout).text();
            expect(await new Response(differ.stderr).text()).toBe("");
            expect(await said).toMatch(/^differ: [1-9]\d* scripts, [1-9]\d* events, 0 differences\n$/);
            expect(await differ.exited).toBe(0);
          },
          LIMIT_MILLIS,
        );
      }
    });
  }
});
