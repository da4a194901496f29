/** What the kernel answered when one thing was really tried (as ffi/probe.ts reports it). */
export interface Probe {
  name: "bpf" | "atomics" | "for-each" | "perf" | "packet-socket" | "raw-tracepoint" | "test-run" | "btf";
  ok: boolean;
  errno: number;
  detail: string;
}

/** What was found out about this machine. A probe's absence means that nothing could be tried. */
export interface Facts {
  /** As `uname -r` has it. */
  kernelRelease: string;
  /** Effective capabilities of this process, as `CapEff` in /proc/self/status. */
  capabilities: bigint;
  /** Soft limit on locked memory in bytes; undefined if there is none. */
  memlockLimitBytes: number | undefined;
  /** Values under /proc/sys; undefined where the kernel has no such setting. */
  perfEventParanoid: number | undefined;
  unprivilegedBpfDisabled: number | undefined;
  optmemMaxBytes: number | undefined;
  /** What the kernel said when each thing was really tried, or why it could not be tried. */
  probes: Probe[] | { failure: string };
}

/** One line of the doctor's list. `no` keeps Kernelcast from working here; `warn` does not. */
export interface Check {
  name: string;
  state: "ok" | "no" | "warn";
  /** What was found, and why it matters. */
  why: string;
  /** What to do about it; absent if all is well. */
  remedy?: string;
}

/** Where packets are to be seen: it decides which things are needed. */
type Attach = "socket" | "cgroup";

const OLDEST_KERNEL = { major: 5, minor: 15 };
/** A program at the sockets calls kernel functions that switch interrupts off, and functions of its own between them. */
const OLDEST_KERNEL_AT_SOCKETS = { major: 6, minor: 15 };

const CAPABILITIES = [
  { name: "CAP_BPF", bit: 39n, why: "loads the programs and makes their maps", insteadOf: true },
  {
    name: "CAP_PERFMON",
    bit: 38n,
    why: "opens the perf rings and lets a program read kernel structures",
    insteadOf: true,
  },
] as const;
const CAPABILITY_TO_SEE = {
  socket: { name: "CAP_NET_RAW", bit: 13n, why: "opens the packet socket that sees the traffic", insteadOf: false },
  cgroup: { name: "CAP_NET_ADMIN", bit: 12n, why: "attaches the programs to a cgroup", insteadOf: false },
} as const;
const CAP_IPC_LOCK = 14n;
const CAP_SYS_ADMIN = 21n;

const EPERM = 1;
const EACCES = 13;

const RUN_AS_ROOT = "Run as root, or give the process CAP_BPF, CAP_PERFMON and CAP_NET_RAW.";

const PROBES: Record<Probe["name"], { label: string; why: string; remedy: string }> = {
  bpf: { label: "BPF", why: "a program was loaded", remedy: RUN_AS_ROOT },
  atomics: {
    label: "BPF atomics",
    why: "compare-and-swap, which keeps events exact where contexts and CPUs meet",
    remedy: "Use Linux 5.15 or newer: the instruction came with 5.12.",
  },
  "for-each": {
    label: "BPF map iteration",
    why: "a helper that finds connections which have fallen silent",
    remedy: "Use Linux 5.15 or newer: bpf_for_each_map_elem came with 5.13.",
  },
  btf: {
    label: "BTF",
    why: "the kernel describes its own structures, so no headers are needed",
    remedy: "Use a kernel built with CONFIG_DEBUG_INFO_BTF=y: every distribution's own has been since about 2021.",
  },
  perf: { label: "perf events", why: "a ring was opened", remedy: RUN_AS_ROOT },
  "packet-socket": { label: "raw sockets", why: "a packet socket was opened", remedy: RUN_AS_ROOT },
  "raw-tracepoint": {
    label: "raw tracepoint",
    why: "a program was attached to inet_sock_set_state, where connections are told apart",
    remedy: RUN_AS_ROOT,
  },
  "test-run": {
    label: "program on a chosen CPU",
    why: "BPF_PROG_TEST_RUN ran one, as the barrier behind POST /sync does",
    remedy: "Use Linux 5.15 or newer, and run as root.",
  },
};

/** Judges facts; touches nothing. */
export function diagnose(facts: Facts, attach: Attach = "socket"): Check[] {
  return [
    kernelVersion(facts),
    ...(attach === "cgroup" ? [kernelVersionAtSockets(facts)] : []),
    ...capabilities(facts, attach),
    ...probes(facts, attach),
    lockedMemory(facts),
    perfParanoid(facts),
    unprivilegedBpf(facts),
    optionMemory(facts),
    {
      name: "kprobes, tracefs, cgroup v2, kernel headers",
      state: "ok",
      why: "not needed",
    },
  ];
}

function kernelVersion({ kernelRelease }: Facts): Check {
  const name = "kernel";
  if (isAtLeast(kernelRelease, OLDEST_KERNEL)) return { name, state: "ok", why: `Linux ${kernelRelease}` };
  return {
    name,
    state: "no",
    why: `Linux ${kernelRelease} is older than 5.15; the programs use atomic operations that return a value (5.12) and bpf_for_each_map_elem (5.13)`,
    remedy: "Use Linux 5.15 or newer (Debian 12, Ubuntu 22.04, RHEL 9.2 or later have it).",
  };
}

function kernelVersionAtSockets({ kernelRelease }: Facts): Check {
  const name = "kernel for --attach=cgroup";
  if (isAtLeast(kernelRelease, OLDEST_KERNEL_AT_SOCKETS)) return { name, state: "ok", why: `Linux ${kernelRelease}` };
  return { name, state: "no", why: `Linux ${kernelRelease} is older than 6.15`, remedy: "Use --attach=socket." };
}

function capabilities({ capabilities }: Facts, attach: Attach): Check[] {
  const has = (bit: bigint) => hasCapability(capabilities, bit);
  return [...CAPABILITIES, CAPABILITY_TO_SEE[attach]].map(({ name, bit, why, insteadOf }) => {
    if (has(bit)) return { name, state: "ok", why };
    if (insteadOf && has(CAP_SYS_ADMIN)) return { name, state: "ok", why: `${why} (CAP_SYS_ADMIN stands in for it)` };
    return {
      name,
      state: "no",
      why: `missing; it ${why}`,
      remedy: `Run as root, or give it: setpriv, systemd's AmbientCapabilities, or a container's cap_add: [${name.slice(4)}].`,
    };
  });
}

/** The checks that fail of themselves: where a capability is missing, what fails for want of it is left out. */
export function causes(checks: readonly Check[]): Check[] {
  const failed = checks.filter(({ state }) => state === "no");
  const capabilities = failed.filter(({ name }) => name.startsWith("CAP_"));
  return capabilities.length > 0 ? capabilities : failed;
}

function hasCapability(set: bigint, bit: bigint): boolean {
  return ((set >> bit) & 1n) === 1n;
}

function probes({ probes }: Facts, attach: Attach): Check[] {
  if ("failure" in probes) {
    return [
      {
        name: "reader library",
        state: "no",
        why: probes.failure,
        remedy:
          "Install libbpf (Debian: apt-get install libbpf-dev), then run npm start, which builds what is missing.",
      },
    ];
  }
  const needed = probes.filter(({ name }) => attach === "socket" || name !== "packet-socket");
  return needed.map((probe) => {
    const { label, why, remedy } = PROBES[probe.name];
    if (probe.ok) return { name: label, state: "ok", why: probe.detail ? `${why} (${probe.detail})` : why };
    const forbidden = probe.errno === EPERM || probe.errno === EACCES;
    return { name: label, state: "no", why: probe.detail, remedy: forbidden ? RUN_AS_ROOT : remedy };
  });
}

/** perf takes rings of up to 516 KiB a CPU (kernel.perf_event_mlock_kb) from no one's limit. */
const MEMLOCK_ENOUGH_BYTES = 8 * 1024 * 1024;

function lockedMemory({ capabilities, memlockLimitBytes }: Facts): Check {
  const name = "RLIMIT_MEMLOCK";
  if (memlockLimitBytes === undefined) return { name, state: "ok", why: "unlimited" };
  const limit = `${Math.floor(memlockLimitBytes / 1024)} KiB`;
  if (hasCapability(capabilities, CAP_IPC_LOCK)) {
    return { name, state: "ok", why: `${limit}; does not bind a process with CAP_IPC_LOCK` };
  }
  if (memlockLimitBytes >= MEMLOCK_ENOUGH_BYTES) {
    return { name, state: "ok", why: `${limit}, for what perf rings take above 516 KiB a CPU` };
  }
  return {
    name,
    state: "warn",
    why: `${limit}; perf rings larger than 516 KiB a CPU may be refused (BPF maps do not count since Linux 5.11)`,
    remedy: "Raise it to 8192 KiB (ulimit -l 8192, systemd's LimitMEMLOCK, compose's ulimits), or run as root.",
  };
}

function perfParanoid({ perfEventParanoid, probes }: Facts): Check {
  const name = "kernel.perf_event_paranoid";
  if (perfEventParanoid === undefined) return { name, state: "ok", why: "not set on this kernel" };
  const refused = Array.isArray(probes) && probes.some((probe) => probe.name === "perf" && !probe.ok);
  if (perfEventParanoid > 2 && refused) {
    return {
      name,
      state: "warn",
      why: `${perfEventParanoid}; above 2 some distributions ask for CAP_SYS_ADMIN where CAP_PERFMON should do`,
      remedy: "sysctl kernel.perf_event_paranoid=2, or run as root",
    };
  }
  return { name, state: "ok", why: `${perfEventParanoid}; does not bind a process with CAP_PERFMON` };
}

function unprivilegedBpf({ unprivilegedBpfDisabled }: Facts): Check {
  const name = "kernel.unprivileged_bpf_disabled";
  if (unprivilegedBpfDisabled === 0) {
    return {
      name,
      state: "warn",
      why: "0; every user of this machine may load programs (Kernelcast does not need that)",
      remedy: "sysctl kernel.unprivileged_bpf_disabled=2",
    };
  }
  return {
    name,
    state: "ok",
    why: `${unprivilegedBpfDisabled ?? "not set on this kernel"}; does not bind a process with CAP_BPF`,
  };
}

/** Attaching a classic or eBPF filter charges the program to the socket's option memory. */
const SMALLEST_OPTMEM_BYTES = 20_480;

function optionMemory({ optmemMaxBytes }: Facts): Check {
  const name = "net.core.optmem_max";
  if (optmemMaxBytes === undefined || optmemMaxBytes >= SMALLEST_OPTMEM_BYTES) {
    return {
      name,
      state: "ok",
      why: `${optmemMaxBytes ?? "not readable here"}; bounds what may be attached to one socket`,
    };
  }
  return {
    name,
    state: "warn",
    why: `${optmemMaxBytes} bytes is below the kernel's default; attaching to a socket may fail (ENOMEM)`,
    remedy: `sysctl net.core.optmem_max=${SMALLEST_OPTMEM_BYTES}`,
  };
}

function isAtLeast(kernelRelease: string, { major, minor }: { major: number; minor: number }): boolean {
  const [actualMajor = 0, actualMinor = 0] = kernelRelease.split(".").map((part) => Number.parseInt(part, 10));
  return actualMajor > major || (actualMajor === major && actualMinor >= minor);
}

/** The list as it is printed: one line a check, its remedy below it. */
export function render(checks: Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, state, why, remedy }) => {
    const line = `${state.padEnd(4)}  ${name.padEnd(width)}  ${why}`;
    return remedy ? [line, `${" ".repeat(width + 8)}→ ${remedy}`] : [line];
  });
  const refused = checks.filter(({ state }) => state === "no").length;
  const verdict =
    refused === 0
      ? "Kernelcast works here."
      : `Kernelcast does not work here: ${refused} of ${checks.length} are missing.`;
  return `${lines.join("\n")}\n\n${verdict}`;
}
