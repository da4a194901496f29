import { describe, expect, test } from "bun:test";
import { type Check, diagnose, type Facts, render } from "../../server/diagnosis.ts";

const ALL = (1n << 13n) | (1n << 14n) | (1n << 38n) | (1n << 39n);
const NAMES = ["bpf", "perf", "packet-socket", "raw-tracepoint", "test-run", "btf"] as const;

const good: Facts = {
  kernelRelease: "6.1.0-31-amd64",
  capabilities: ALL,
  memlockLimitBytes: undefined,
  perfEventParanoid: 2,
  unprivilegedBpfDisabled: 2,
  optmemMaxBytes: 131_072,
  probes: NAMES.map((name) => ({ name, ok: true, errno: 0, detail: "" })),
};

const without = (bit: bigint) => ALL & ~(1n << bit);
const refuse = (refused: (typeof NAMES)[number], errno: number, detail: string): Facts["probes"] =>
  NAMES.map((name) =>
    name === refused ? { name, ok: false, errno, detail } : { name, ok: true, errno: 0, detail: "" },
  );

function notOk(facts: Partial<Facts>): Check[] {
  return diagnose({ ...good, ...facts }).filter(({ state }) => state !== "ok");
}

test("a machine that has everything gets no complaint, and kprobes are said to be unneeded", () => {
  expect(notOk({})).toEqual([]);
  expect(render(diagnose(good))).toMatch(/kprobes.*not needed[\s\S]*Kernelcast works here\.$/);
});

test("at the sockets of a cgroup it asks for a newer kernel and another capability, and for no packet socket", () => {
  const facts = { ...good, capabilities: without(13n), probes: refuse("packet-socket", 1, "EPERM") };
  const missing = (kernelRelease: string, capabilities: bigint) =>
    diagnose({ ...facts, kernelRelease, capabilities }, "cgroup").flatMap(({ name, state }) =>
      state === "no" ? [name] : [],
    );
  expect(missing("6.15.0", facts.capabilities | (1n << 12n))).toEqual([]);
  expect(missing("6.14.9", facts.capabilities)).toEqual(["kernel for --attach=cgroup", "CAP_NET_ADMIN"]);
});

describe("one thing wrong is one line that names it and its remedy", () => {
  const cases: [string, Partial<Facts>, Check["state"], string, RegExp, RegExp][] = [
    [
      "an old kernel",
      { kernelRelease: "5.10.0-34-amd64" },
      "no",
      "kernel",
      /5\.10\.0.*older than 5\.15/,
      /5\.15 or newer/,
    ],
    ["the last kernel too old", { kernelRelease: "5.14.21-suse" }, "no", "kernel", /5\.14/, /5\.15/],
    ["no CAP_BPF", { capabilities: without(39n) }, "no", "CAP_BPF", /missing/, /cap_add: \[BPF\]/],
    ["no CAP_PERFMON", { capabilities: without(38n) }, "no", "CAP_PERFMON", /missing/, /cap_add: \[PERFMON\]/],
    ["no CAP_NET_RAW", { capabilities: without(13n) }, "no", "CAP_NET_RAW", /missing/, /cap_add: \[NET_RAW\]/],
    [
      "a BPF syscall that is refused",
      { probes: refuse("bpf", 1, "bpf(BPF_PROG_LOAD): EPERM") },
      "no",
      "BPF",
      /EPERM/,
      /Run as root/,
    ],
    [
      "no BTF",
      { probes: refuse("btf", 2, "/sys/kernel/btf/vmlinux: ENOENT") },
      "no",
      "BTF",
      /ENOENT/,
      /DEBUG_INFO_BTF/,
    ],
    [
      "a library that cannot be loaded",
      { probes: { failure: "libbpf.so.1: cannot open shared object file" } },
      "no",
      "reader library",
      /libbpf\.so\.1/,
      /libbpf-dev/,
    ],
    [
      "little lockable memory, and not root",
      { memlockLimitBytes: 65_536, capabilities: without(14n) },
      "warn",
      "RLIMIT_MEMLOCK",
      /64 KiB/,
      /ulimit -l/,
    ],
    [
      "programs for everyone",
      { unprivilegedBpfDisabled: 0 },
      "warn",
      "kernel.unprivileged_bpf_disabled",
      /^0/,
      /sysctl/,
    ],
    ["hardly any option memory", { optmemMaxBytes: 4_096 }, "warn", "net.core.optmem_max", /4096/, /sysctl/],
  ];
  test.each(cases)("%s", (_, facts, state, name, why, remedy) => {
    const complaints = notOk(facts);
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toMatchObject({ state, name });
    expect(complaints[0]?.why).toMatch(why);
    expect(complaints[0]?.remedy).toMatch(remedy);
  });
});

describe("what looks wrong and is not", () => {
  const cases: [string, Partial<Facts>][] = [
    ["the oldest kernel that will do", { kernelRelease: "5.15.0-1-generic" }],
    ["a release with a suffix", { kernelRelease: "6.18.0-rc3+" }],
    ["CAP_SYS_ADMIN in place of CAP_BPF and CAP_PERFMON", { capabilities: (1n << 21n) | (1n << 13n) }],
    ["little lockable memory as root", { memlockLimitBytes: 65_536 }],
    ["settings that this kernel lacks", { perfEventParanoid: undefined, unprivilegedBpfDisabled: undefined }],
    ["a strict perf setting, when the ring opened all the same", { perfEventParanoid: 3 }],
  ];
  test.each(cases)("%s", (_, facts) => {
    expect(notOk(facts)).toEqual([]);
  });
});

test("a strict perf setting is named when a ring was refused", () => {
  const names = notOk({ perfEventParanoid: 3, probes: refuse("perf", 13, "perf_event_open: EACCES") }).map(
    (one) => one.name,
  );
  expect(names).toEqual(["perf events", "kernel.perf_event_paranoid"]);
});

test("the list ends with how many things are missing", () => {
  const text = render(diagnose({ ...good, capabilities: 0n }));
  expect(text).toMatch(/^no {4}CAP_BPF .*\n +→ /m);
  expect(text).toMatch(/Kernelcast does not work here: 3 of \d+ are missing\.$/);
});
