/**
 * Where the events come from, and what is said about it wherever somebody could take them for this host's traffic.
 * @module
 */

import { failures } from "./doctor.ts";

interface TrafficSource {
  kind: "kernel" | "replay" | "demo";
  /** For people, in one line; there is nothing to say when it is this host's traffic. */
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
      source: { kind: "replay", notice: `A replay of ${file}: recorded traffic, not what happens on this host now.` },
      file: setting,
    };
  }
  const missing = await failures();
  if (missing.length === 0) return { source: { kind: "kernel" } };
  const names = missing.map(({ name }) => name).join(", ");
  const remedies = [...new Set(missing.flatMap(({ remedy = [] }) => remedy))];
  return {
    source: {
      kind: "demo",
      notice: `A demonstration, NOT the traffic of this host: a recording that is played again and again, because the kernel cannot be watched here (missing: ${names}). ${remedies[0] ?? ""} "kernelcast doctor" says more.`,
    },
    file: DEMO_FILE,
  };
};

export type { ChosenSource, TrafficSource };
export { chooseSource };
