/**
 * Other programs that show HTTP on a host, of Debian's packages, each told to do as little as it can and still show what was
 * asked and answered. None pairs the two.
 * @module
 */

import { join } from "node:path";
import { bpfFlags } from "./bpf-build.ts";
import { output } from "./children.ts";
import { OUTPUT } from "./output.ts";

export interface Peer {
  name: string;
  /** What it is, for those who read the results. */
  what: string;
  /** Looked for on PATH. */
  program: string;
  /** Of Debian, which has it; nothing if it is ours. */
  package?: string;
  command(port: number): string[];
  /** Prints its version; nothing if it has none. */
  version?: string[];
  /** What it writes once it watches; nothing for one whose packet socket says so. */
  ready?: string;
  /** Both are told from its standard output; nothing for one that does not look at HTTP. */
  counts?: {
    /** @returns how many requests it shows for a path */
    requests(text: Buffer, path: string): number;
    responses(text: Buffer): number;
  };
  /** In what it says at its end: packets that it missed. */
  missed?: RegExp;
}

const PARSE_OBJECT = join(OUTPUT, "peers-http-parse.bpf.o");
const PARSE_READER = join(OUTPUT, "peers-http-parse");
const DEVICE = "lo";
const filter = (port: number) => `tcp port ${port}`;
const FIRST_LINES = "^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) |^HTTP/1[.]";
/** bpftrace finds the system calls there; a mount namespace of its own keeps that from the host. */
const TRACEFS = [
  "mount -t tracefs tracefs /sys/kernel/tracing",
  "mount -t debugfs debugfs /sys/kernel/debug",
  "mount -t tracefs tracefs /sys/kernel/debug/tracing",
].join(" 2>/dev/null; ");

export const PEERS: readonly Peer[] = [
  {
    name: "httpry",
    what: "libpcap; a line for each request and each response",
    program: "httpry",
    package: "httpry",
    version: ["sh", "-c", "httpry -h 2>&1 | head -1"],
    command: (port) => ["httpry", "-i", DEVICE, filter(port)],
    counts: {
      requests: (text, path) => countOf(text, `\t${path}\t`),
      responses: (text) => countOf(text, "\t<\t"),
    },
    missed: /(\d+) packets dropped/,
  },
  {
    name: "bpftrace",
    what: "tracepoints of system calls (peers.bt); counts first lines, shows none one by one",
    program: "bpftrace",
    package: "bpftrace",
    version: ["bpftrace", "--version"],
    command: () => [
      "unshare",
      "--mount",
      "sh",
      "-c",
      `${TRACEFS}; exec bpftrace "$0"`,
      join(import.meta.dir, "peers.bt"),
    ],
    ready: "ready",
    counts: {
      requests: (text, path) => bpftraceCount(text, (line) => line.startsWith(`GET ${path} `)),
      responses: (text) => bpftraceCount(text, (line) => line.startsWith("HTTP/1.1 ")),
    },
  },
  {
    name: "ngrep",
    what: "libpcap; packets that begin like a message",
    program: "ngrep",
    package: "ngrep",
    version: ["sh", "-c", "ngrep -V | head -1"],
    command: (port) => [
      "ngrep",
      "-d",
      DEVICE,
      "-q",
      "-s",
      "512",
      "-W",
      "single",
      "-S",
      "128",
      FIRST_LINES,
      filter(port),
    ],
    counts: {
      requests: (text, path) => countOf(text, `GET ${path} `),
      responses: (text) => countOf(text, "] HTTP/1.1 "),
    },
  },
  {
    name: "tshark",
    what: "Wireshark's dissectors; three fields of each message, bodies left alone",
    program: "tshark",
    package: "tshark",
    version: ["sh", "-c", "tshark --version 2>/dev/null | head -1"],
    command: (port) => [
      ...["tshark", "-i", DEVICE, "-s", "512", "-f", filter(port), "-d", `tcp.port==${port},http`, "-Y", "http"],
      ...["-o", "tcp.desegment_tcp_streams:FALSE", "-o", "http.desegment_body:FALSE"],
      ...["-T", "fields", "-e", "http.request.method", "-e", "http.request.uri", "-e", "http.response.code"],
    ],
    counts: {
      requests: (text, path) => countOf(text, `GET\t${path}\t`),
      responses: (text) => countOf(text, "\t200\n"),
    },
    missed: /(\d+) packets dropped/,
  },
  {
    name: "http-parse",
    what: "a socket filter that does what BCC's http-parse-simple does; a first line for each message",
    program: PARSE_READER,
    command: () => [PARSE_READER, PARSE_OBJECT, DEVICE],
    counts: {
      requests: (text, path) => countOf(text, `GET ${path} `),
      responses: (text) => countOf(text, "HTTP/1.1 200 "),
    },
  },
  {
    name: "tcpdump",
    what: "libpcap; 96 bytes of each packet, thrown away: capture alone",
    program: "tcpdump",
    package: "tcpdump",
    version: ["sh", "-c", "tcpdump --version 2>&1 | head -1"],
    command: (port) => ["tcpdump", "-i", DEVICE, "-n", "-s", "96", "-w", "/dev/null", filter(port)],
    missed: /(\d+) packets? dropped by kernel/,
  },
];

export async function buildPeers(): Promise<void> {
  const here = (name: string) => join(import.meta.dir, name);
  await output(["clang", ...bpfFlags(), "-c", here("peers-http-parse.bpf.c"), "-o", PARSE_OBJECT]);
  const flags = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror"];
  await output(["cc", ...flags, "-o", PARSE_READER, here("peers-http-parse.c"), "-lbpf"]);
}

/** @returns how often `needle` is in `text` */
export function countOf(text: Buffer, needle: string): number {
  const bytes = Buffer.from(needle);
  let count = 0;
  for (let at = text.indexOf(bytes); at >= 0; at = text.indexOf(bytes, at + bytes.length)) count++;
  return count;
}

/** Of the map that bpftrace prints at its end: `@lines[…]: 17`. */
function bpftraceCount(text: Buffer, wanted: (line: string) => boolean): number {
  let count = 0;
  for (const [, line = "", times] of text.toString("latin1").matchAll(/^@lines\[([^\]]*)\]: (\d+)$/gm))
    if (wanted(line)) count += Number(times);
  return count;
}
