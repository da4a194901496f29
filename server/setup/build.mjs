import { delimiter, dirname, join } from "node:path";
import { capture, lastLines, toolPath } from "./command.mjs";
import { SetupError, say } from "./setup-error.mjs";

/** In this order: the reader library is built against the event contract in bpf/. */
const PARTS = [
  { folder: "bpf", what: "the eBPF programs" },
  { folder: "ffi", what: "the reader library" },
];

/**
 * Builds what is stale; make alone decides what that is.
 *
 * @param {string} root
 * @param {string} bun on the PATH of what make runs
 */
export async function build(root, bun) {
  const env = { PATH: [dirname(bun), toolPath()].join(delimiter) };
  for (const { folder, what } of PARTS) {
    const make = ["--silent", "-C", join(root, folder)];
    const upToDate = await capture("make", ["--question", ...make], { env });
    if (upToDate.code === 0) continue;
    say(`building ${what}`);
    const { code, output } = await capture("make", make, { env });
    if (code !== 0) throw new SetupError(`${what} could not be built (make -C ${folder}):\n${lastLines(output, 40)}`);
  }
}
