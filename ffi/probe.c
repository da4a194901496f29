// SPDX-License-Identifier: Apache-2.0
/* What the reader needs of the kernel, each thing tried for real and undone. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "reader.h"

/* r0 = 0; exit */
static const struct bpf_insn nothing[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	{.code = BPF_JMP | BPF_EXIT},
};

/* *(u32 *)(r10 - 8) = 0; w0 = 0; w1 = 1; atomic compare-and-swap; exit */
static const struct bpf_insn atomic[] = {
	{.code = BPF_ST | BPF_W | BPF_MEM, .dst_reg = BPF_REG_10, .off = -8},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 1},
	{.code = BPF_STX | BPF_W | BPF_ATOMIC,
	 .dst_reg = BPF_REG_10,
	 .src_reg = BPF_REG_1,
	 .off = -8,
	 .imm = BPF_CMPXCHG},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	{.code = BPF_JMP | BPF_EXIT},
};

static int try_program(enum bpf_prog_type type, const struct bpf_insn *insns, size_t count)
{
	int fd = bpf_prog_load(type, "probe", "Dual BSD/GPL", insns, count, NULL);

	return fd < 0 ? -errno : fd;
}

static int close_after(int fd)
{
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int probe_bpf(void)
{
	return close_after(try_program(BPF_PROG_TYPE_SOCKET_FILTER, nothing, 2));
}

static int probe_atomics(void)
{
	return close_after(try_program(BPF_PROG_TYPE_SOCKET_FILTER, atomic, 6));
}

static int probe_for_each(void)
{
	int supported = libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT,
						BPF_FUNC_for_each_map_elem, NULL);

	return supported > 0 ? 0 : supported ?: -EOPNOTSUPP;
}

static int probe_perf(void)
{
	struct perf_event_attr attr = {.size = sizeof(attr),
				       .type = PERF_TYPE_SOFTWARE,
				       .config = PERF_COUNT_SW_BPF_OUTPUT};
	int fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	return close_after(fd < 0 ? -errno : fd);
}

static int probe_packet_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return close_after(fd < 0 ? -errno : fd);
}

static int probe_raw_tracepoint(void)
{
	int program = try_program(BPF_PROG_TYPE_RAW_TRACEPOINT, nothing, 2), fd;

	if (program < 0)
		return program;
	fd = bpf_raw_tracepoint_open("inet_sock_set_state", program);
	if (fd < 0)
		fd = -errno;
	close(program);
	return close_after(fd);
}

static int probe_test_run(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .flags = BPF_F_TEST_RUN_ON_CPU);
	int program = try_program(BPF_PROG_TYPE_RAW_TRACEPOINT, nothing, 2), err;

	if (program < 0)
		return program;
	err = bpf_prog_test_run_opts(program, &opts) < 0 ? -errno : 0;
	close(program);
	return err;
}

static int probe_btf(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int err = libbpf_get_error(btf);

	if (!err)
		btf__free(btf);
	return err;
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

int reader_probe(char *out, uint32_t size)
{
	static const struct {
		const char *name;
		int (*try)(void);
		const char *detail;
	} probes[] = {
		{"bpf", probe_bpf, "load a socket filter"},
		{"atomics", probe_atomics,
		 "load a program with an atomic compare-and-swap (Linux 5.12)"},
		{"for-each", probe_for_each, "helper bpf_for_each_map_elem (Linux 5.13)"},
		{"perf", probe_perf, "perf_event_open of a BPF output event"},
		{"packet-socket", probe_packet_socket, "open an AF_PACKET socket"},
		{"raw-tracepoint", probe_raw_tracepoint, "attach to inet_sock_set_state"},
		{"test-run", probe_test_run, "BPF_PROG_TEST_RUN on a chosen CPU (Linux 5.10)"},
		{"btf", probe_btf, "read the kernel's type information"},
	};
	uint32_t used = 0;

	libbpf_set_print(silent);
	for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
		int err = probes[i].try();
		int len = snprintf(out + used, size - used, "%s %d %s\n", probes[i].name, -err,
				   probes[i].detail);
		if (len < 0 || (uint32_t)len >= size - used)
			return -ENOSPC;
		used += len;
	}
	return used;
}
