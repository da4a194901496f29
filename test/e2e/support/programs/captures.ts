/**
 * Opens captures and ends them again, in one process: as many as the first argument says, each ended as the second says.
 * Prints a line before the first, and one after each, of what the process holds; `held` is what it held meanwhile.
 */
import { readdirSync, readFileSync } from "node:fs";
import { KernelCapture } from "../../../../ffi/capture.ts";
import { bpfIds } from "../bpf-ids.ts";

/** Turns of the event loop that a closed socket may take to be gone. */
const SETTLE_TURNS = 1000;

const [, , cycles, ending] = process.argv;

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function holdings() {
  const threads = readdirSync("/proc/self/task");
  return {
    files: readdirSync("/proc/self/fd").length,
    threads: threads.length,
    pumps: threads.filter((thread) => read(`/proc/self/task/${thread}/comm`).startsWith("kernelcast-pump")).length,
    kernelMappings: read("/proc/self/maps")
      .split("\n")
      .filter((line) => /anon_inode:.*(perf_event|bpf)/.test(line)).length,
    virtualKib: Number(read("/proc/self/status").match(/VmSize:\s+(\d+)/)?.[1]),
  };
}

async function cycle() {
  const capture = new KernelCapture({}, [{ offer() {} }]);
  if (ending !== "opened") {
    await capture.start();
    await capture.sync();
  }
  const { pumps, kernelMappings } = holdings();
  const held = { ids: bpfIds("self"), pumps, kernelMappings };
  if (ending === "stopped") await capture.stop();
  capture.close();
  return held;
}

let before = holdings();
console.log(JSON.stringify(before));
for (let index = 0; index < Number(cycles); index++) {
  const held = await cycle();
  for (let turn = 0; turn < SETTLE_TURNS && holdings().files > before.files; turn++)
    await new Promise((resolve) => setImmediate(resolve));
  Bun.gc(true);
  // What the first one made the runtime load and start stays.
  if (index === 0) before = holdings();
  console.log(JSON.stringify({ ...holdings(), held }));
}
