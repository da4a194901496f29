/**
 * Where the events come from, and what is said about it wherever somebody could take them for this host's traffic.
 * @module
 */

import type { Config } from "./config.ts";
import type { Check } from "./diagnosis.ts";
import { failures } from "./doctor.ts";

/** `socket`: on the devices of this network namespace. `cgroup`: at the sockets of a cgroup, in every namespace. */
type Attach = Exclude<Config["attach"], "auto">;

interface TrafficSource {
  kind: "kernel" | "replay" | "demo";
  /** Of the kernel: where packets are seen. */
  attach?: Attach;
  /** The directory of the cgroup whose sockets alone are watched. */
  cgroup?: string;
  /** For people, in one or more lines; there is nothing to say when it is this host's traffic. */
  notice?: string;
}

/** A source, and the file that it is read from. */
interface ChosenSource {
  source: TrafficSource;
  /** Absent for the kernel; `-` is standard input. */
  file?: string;
}

type AttachSettings = Pick<Config, "attach" | "cgroup">;
type SourceSettings = AttachSettings & Pick<Config, "source">;

const DEMO_FILE = new URL("demo.pcap", import.meta.url).pathname;

/**
 * The kernel, watched as `--attach` and `--cgroup` say. `auto` are packet sockets: they need the least of kernel and
 * capabilities, and see what is only forwarded; the sockets of one cgroup only a program attached to it can tell apart.
 */
const kernelSource = ({ attach, cgroup }: AttachSettings): TrafficSource => ({
  kind: "kernel",
  attach: attach === "auto" ? (cgroup === undefined ? "socket" : "cgroup") : attach,
  ...(cgroup !== undefined && { cgroup }),
});

/** What `--source` stands for on this host. `auto` tries whether the kernel can be watched. */
const chooseSource = async ({ source: setting, ...attach }: SourceSettings): Promise<ChosenSource> => {
  if (setting === "kernel") return { source: kernelSource(attach) };
  if (setting !== "auto") {
    const file = setting === "-" ? "standard input" : setting;
    return {
      source: { kind: "replay", notice: `REPLAY of ${file}: recorded traffic, not what happens on this host now.` },
      file: setting,
    };
  }
  const source = kernelSource(attach);
  const missing = await failures(source.attach);
  if (missing.length === 0) return { source };
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

export type { Attach, ChosenSource, TrafficSource };
export { chooseSource, kernelSource };
