/**
 * What is said of a capture file that has been replayed.
 * @module
 */

import type { CaptureStats } from "../ffi/event.ts";

/** `ReplayStatus` of ffi/replay.ts, as far as it is told. */
interface ReplayStatus {
  state: "reading" | "ended" | "broken";
  message: string;
  packets: number;
  cutPackets: number;
  unknownPackets: number;
  unknownLinkType: number;
  firstNs: bigint;
  lastNs: bigint;
}

const count = (number: number, noun: string): string =>
  `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

const iso = (unixNano: bigint): string => new Date(Number(unixNano / 1_000_000n)).toISOString();

/** Each a line, for what was in the file and could not be used. */
const replayWarnings = (status: ReplayStatus): string[] => {
  const warnings: string[] = [];
  const { state, message, cutPackets, unknownPackets, unknownLinkType } = status;
  if (message !== "") warnings.push(state === "ended" ? `${message}; what came before was replayed` : message);
  if (cutPackets > 0)
    warnings.push(
      `${count(cutPackets, "packet")} cut by the capture's snap length: of messages in them something may be missing; capture with tcpdump -s 0`,
    );
  if (unknownPackets > 0)
    warnings.push(
      `${count(unknownPackets, "packet")} passed over, of link type ${unknownLinkType}; Ethernet, Linux cooked, raw IP and loopback are read`,
    );
  return warnings;
};

/** One line. */
const replaySummary = (file: string, status: ReplayStatus, { protocols }: CaptureStats): string => {
  const { packets, firstNs, lastNs } = status;
  const name = file === "-" ? "standard input" : file;
  const transactions = count(protocols.http?.delivered ?? 0, "transaction");
  if (packets === 0) return `${name}: no packets`;
  const seconds = Math.max(0, Number(lastNs - firstNs) / 1e9).toFixed(3);
  return `${name}: ${transactions} from ${count(packets, "packet")} in ${seconds} s, from ${iso(firstNs)}.`;
};

export { replaySummary, replayWarnings };
