/**
 * Where the events come from, and what is said about it wherever somebody could take them for this host's traffic.
 * @module
 */

import type { Check } from "./diagnosis.ts";
import { failures } from "./doctor.ts";

interface TrafficSource {
  kind: "kernel" | "replay" | "demo";
  /** For people, in one or more lines; there is nothing to say when it is this host's traffic. */
  notice?: string;
}

/** A source, and the file that it is read from. */
interface ChosenSource {
  source: TrafficSource;
  /** Absent for the kernel; `-` is standard input. */
  file?: string;
}

const DEMO_FILE = new URL("demo.pcap", import.meta.url).pathname;

/** What `--source` stands for on this host. `auto` tries whether the kernel can be watched. */
const chooseSource = async (setting: string): Promise<ChosenSource> => {
  if (setting === "kernel") return { source: { kind: "kernel" } };
  if (setting !== "auto") {
    const file = setting === "-" ? "standard input" : setting;
    return {
      source: { kind: "replay", notice: `REPLAY of ${file}: recorded traffic, not what happens on this host now.` },
      file: setting,
    };
  }
  const missing = await failures();
  if (missing.length === 0) return { source: { kind: "kernel" } };
  return { source: { kind: "demo", notice: demoNotice(missing) }, file: DEMO_FILE };
};

const demoNotice = (missing: readonly Check[]): string => {
  const names = missing.map(({ name }) => name);
  const remedy = names.every((name) => name.startsWith("CAP_"))
    ? "Run as root, or give the process these capabilities."
    : missing.flatMap(({ remedy = [] }) => remedy).join(" ");
  return [
    "DEMONSTRATION: this is NOT the traffic of this host.",
    `The kernel cannot be watched here (missing: ${names.join(", ")}), so a recording is played again and again.`,
    `${remedy} "kernelcast doctor" says more.`,
  ].join("\n");
};

export type { ChosenSource, TrafficSource };
export { chooseSource };
