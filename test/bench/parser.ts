import { join } from "node:path";
import { output } from "./children.ts";
import { OUTPUT } from "./output.ts";

/** What the filter takes for a kind of traffic, without a network around it; see parser.c. */
export interface ParserCost {
  kind: string;
  /** Undefined where no transaction ends. */
  nanosPerTransaction: number | undefined;
  nanosPerSegment: number;
  segmentsPerTransaction: number | undefined;
}

const SOURCE = join(import.meta.dir, "parser.c");
const OBJECT = join(import.meta.dir, "../../bpf/.output/http.bpf.o");
const PROGRAM = join(OUTPUT, "parser");

export async function buildParser(): Promise<void> {
  await output(["cc", "-O2", "-std=gnu11", "-Wall", "-Werror", "-o", PROGRAM, SOURCE, "-lbpf"]);
}

export async function parserCosts(): Promise<ParserCost[]> {
  const lines = (await output([PROGRAM, OBJECT])).trim().split("\n");
  return lines.map((line) => {
    const [kind = "", ...numbers] = line.split("\t");
    const [transactions = 0, segments = 0, nanos = 0] = numbers.map(Number);
    return {
      kind,
      nanosPerTransaction: transactions > 0 ? nanos / transactions : undefined,
      nanosPerSegment: nanos / segments,
      segmentsPerTransaction: transactions > 0 ? segments / transactions : undefined,
    };
  });
}
