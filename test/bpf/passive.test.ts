import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readObject } from "./support/object.ts";

/**
 * Kernelcast only watches: what its programs call cannot change user memory, a packet, a socket or a process. The kernel
 * refuses programs any other way of doing so, so the calls are all there is to look at.
 */

/** Numbers are the kernel's ABI (`enum bpf_func_id`). Whoever adds a line says why it cannot write where it must not. */
const ALLOWED: Record<number, [name: string, reason: string]> = {
  1: ["map_lookup_elem", "our own maps"],
  2: ["map_update_elem", "our own maps"],
  3: ["map_delete_elem", "our own maps"],
  5: ["ktime_get_ns", "reads a clock"],
  8: ["get_smp_processor_id", "reads a number"],
  25: ["perf_event_output", "writes into our own ring"],
  26: ["skb_load_bytes", "copies out of a packet"],
  113: ["probe_read_kernel", "copies out of kernel memory, onto our stack or into our maps"],
  120: ["get_ns_current_pid_tgid", "reads who the current process is"],
  122: ["get_netns_cookie", "reads a number"],
  164: ["for_each_map_elem", "calls our own function for our own map"],
  195: ["map_lookup_percpu_elem", "our own maps"],
};

/** Some that are never to be allowed, so that an allow-list that grew too long is seen. */
const NEVER: Record<number, string> = {
  6: "trace_printk",
  9: "skb_store_bytes",
  10: "l3_csum_replace",
  11: "l4_csum_replace",
  13: "clone_redirect",
  23: "redirect",
  36: "probe_write_user",
  38: "skb_change_tail",
  43: "skb_change_head",
  44: "xdp_adjust_head",
  49: "setsockopt",
  58: "override_return",
  60: "msg_redirect_map",
  104: "sysctl_set_new_value",
  109: "send_signal",
  117: "send_signal_thread",
  155: "redirect_peer",
  166: "sys_bpf",
};

/** Kernel functions. The verifier proves that what one of them does the other undoes before the program ends. */
const FUNCTIONS = ["bpf_local_irq_save", "bpf_local_irq_restore"];

/** The verdict of a cgroup's program on a packet. */
const PASS = 1;

/** `raw_tp` alone is attached to nothing: user space runs it with BPF_PROG_TEST_RUN. */
const SECTIONS = [
  "socket",
  "raw_tp",
  "raw_tp/netif_receive_skb",
  "raw_tp/inet_sock_set_state",
  // What these return decides whether a packet passes.
  "?cgroup_skb/ingress",
  "?cgroup_skb/egress",
];

const OUTPUT = join(import.meta.dir, "../../bpf/.output");

/** What an object does that it may not. */
function offences(file: Uint8Array): string[] {
  const { sections, helpers, others, returns } = readObject(file);
  return [
    ...helpers
      .filter((helper) => !(helper in ALLOWED))
      .map((helper) => `calls helper ${helper} (${NEVER[helper] ?? "?"})`),
    ...others.filter((other) => !FUNCTIONS.some((name) => other === `kernel function ${name}`)),
    ...sections.filter((section) => !SECTIONS.includes(section)).map((section) => `attaches to ${section}`),
    ...sections
      .filter((section) => section.includes("cgroup_skb") && returns[section]?.some((verdict) => verdict !== PASS))
      .map((section) => `may stop a packet in ${section}`),
  ];
}

const objects = readdirSync(OUTPUT).filter((name) => name.endsWith(".bpf.o"));

describe("the programs only watch", () => {
  test("there are objects to look at", () => {
    expect(objects).toContain("http.bpf.o");
  });

  test.each(objects)("%s calls nothing that could write elsewhere, and attaches where it should", async (name) => {
    expect(offences(await Bun.file(join(OUTPUT, name)).bytes())).toEqual([]);
  });

  test("http.bpf.o is read: its filter, its tracepoints and the helpers that it cannot do without", async () => {
    const { sections, helpers } = readObject(await Bun.file(join(OUTPUT, "http.bpf.o")).bytes());
    expect(sections).toContain("socket");
    expect(helpers).toEqual(expect.arrayContaining([1, 8, 25, 26]));
  });

  test("nothing that must never be allowed is", () => {
    expect(Object.keys(NEVER).filter((helper) => helper in ALLOWED)).toEqual([]);
  });
});

describe("the look is a real one: it finds", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "kernelcast-passive-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const compile = async (code: string): Promise<Uint8Array> => {
    const source = join(folder, "program.bpf.c");
    const object = join(folder, "program.bpf.o");
    await Bun.write(
      source,
      `#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n${code}\nchar LICENSE[] SEC("license") = "GPL";\n`,
    );
    const include = `-I/usr/include/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
    const { exitCode, stderr } = Bun.spawnSync([
      "clang",
      "-g",
      "-O2",
      "-target",
      "bpf",
      "-mcpu=v3",
      include,
      "-c",
      source,
      "-o",
      object,
    ]);
    if (exitCode !== 0) throw new Error(`clang: ${stderr}`);
    return await Bun.file(object).bytes();
  };

  const cases: [string, string, string[]][] = [
    [
      "a write to user memory",
      `SEC("raw_tp") int f(void *ctx) { long x = 1; return bpf_probe_write_user(ctx, &x, sizeof(x)); }`,
      ["calls helper 36 (probe_write_user)"],
    ],
    [
      "one that hides in a function of its own",
      `static __attribute__((noinline)) long hide(void *to) { int x = 1; return bpf_probe_write_user(to, &x, sizeof(x)); }
       SEC("raw_tp") int f(void *ctx) { return hide(ctx) + hide(ctx + 8); }`,
      ["calls helper 36 (probe_write_user)"],
    ],
    [
      "a write to a packet, and the hook for it",
      `SEC("tc") int f(struct __sk_buff *skb) { char c = 0; return bpf_skb_store_bytes(skb, 0, &c, 1, 0); }`,
      ["calls helper 9 (skb_store_bytes)", "attaches to tc"],
    ],
    [
      "a verdict that stops a packet",
      `SEC("?cgroup_skb/egress") int f(struct __sk_buff *skb) { return skb->len != 7; }`,
      ["may stop a packet in ?cgroup_skb/egress"],
    ],
    [
      "a verdict that stops every packet",
      `SEC("?cgroup_skb/ingress") int f(struct __sk_buff *skb) { return 0; }`,
      ["may stop a packet in ?cgroup_skb/ingress"],
    ],
    ["a signal", `SEC("raw_tp") int f(void *ctx) { return bpf_send_signal(9); }`, ["calls helper 109 (send_signal)"]],
    [
      "a kernel function",
      `extern int bpf_fentry_test1(int) __attribute__((section(".ksyms")));
       SEC("raw_tp") int f(void *ctx) { return bpf_fentry_test1(1); }`,
      ["kernel function bpf_fentry_test1"],
    ],
    [
      "a tracepoint of another kind",
      `SEC("kprobe/tcp_sendmsg") int f(void *ctx) { return 0; }`,
      ["attaches to kprobe/tcp_sendmsg"],
    ],
  ];

  test.each(cases)("%s", async (_, code, expected) => {
    expect(offences(await compile(code))).toEqual(expected);
  });

  test("nothing in a program that does nothing", async () => {
    expect(offences(await compile(`SEC("socket") int f(struct __sk_buff *skb) { return 0; }`))).toEqual([]);
    const pass = `SEC("?cgroup_skb/ingress") int f(struct __sk_buff *skb) { return 1; }`;
    expect(offences(await compile(pass))).toEqual([]);
  });

  test("a file that is no object", () => {
    expect(() => readObject(Buffer.alloc(64))).toThrow("not a 64-bit ELF file");
  });
});
