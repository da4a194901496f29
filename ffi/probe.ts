import { kernelSymbols } from "./symbols.ts";

/** One thing that the reader needs of the kernel, tried for real. */
export interface Probe {
  name: "bpf" | "atomics" | "for-each" | "perf" | "packet-socket" | "raw-tracepoint" | "test-run" | "btf";
  ok: boolean;
  /** 0 when ok. */
  errno: number;
  /** What was tried. */
  detail: string;
}

const OUTPUT_BYTES = 4096;

/** Tries everything and undoes it. */
export function probe(): Probe[] {
  const output = Buffer.alloc(OUTPUT_BYTES);
  const length = kernelSymbols().reader_probe(output, OUTPUT_BYTES);
  return output
    .toString("latin1", 0, Math.max(0, length))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [name = "", errno = "", ...detail] = line.split(" ");
      return { name: name as Probe["name"], ok: errno === "0", errno: Number(errno), detail: detail.join(" ") };
    });
}
