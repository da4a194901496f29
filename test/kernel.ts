import { describe } from "bun:test";

const reason = await findReason();
if (reason) console.warn(`Tests on the real kernel are skipped: ${reason}`);

/** @returns why programs cannot be run on this kernel by this process; undefined if they can */
export function kernelSkipReason(): string | undefined {
  return reason;
}

/** Like `describe`, for tests that load programs into the kernel: skipped, with the reason in the name, where it refuses. */
export function describeKernel(name: string, body: () => void): void {
  if (reason) describe.skip(`${name} [skipped: ${reason}]`, body);
  else describe(name, body);
}

async function findReason(): Promise<string | undefined> {
  try {
    // Not a static import: without libbpf it throws, which here is a reason like any other.
    const { probe } = await import("../ffi/probe.ts");
    const refused = probe().find(({ ok }) => !ok);
    return refused && `${refused.name}: ${refused.detail}`;
  } catch (error) {
    return `the reader library cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
  }
}
