import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../setup/kernelcast.mjs", import.meta.url));
const NO_EXPORT = { OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" };

/**
 * @param {boolean | readonly string[]} flags
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>} when it watches
 */
export const startService = async (flags) => {
  const argv = ["serve", "--port=0", ...(typeof flags === "boolean" ? [] : flags)];
  const child = spawn("node", [COMMAND, ...argv], {
    env: { ...NO_EXPORT, ...process.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const exited = new Promise((resolve) => {
    child.once("exit", resolve);
    child.once("error", resolve);
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    process.removeListener("exit", kill);
  };
  let output = "";
  /** @type {Promise<string>} */
  const url = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => {
        // What it says later is of no interest, but must be read.
        output = (output + text).slice(-10_000);
        const page = /page +(https?:\/\/\S+:\d+)\//.exec(output)?.[1];
        if (page !== undefined) resolve(page);
      });
    void exited.then((code) => reject(new Error(`kernelcast ${argv.join(" ")} ended with ${code}:\n${output}`)));
  });
  return { url: await url, stop };
};
