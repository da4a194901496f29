// SPDX-License-Identifier: Apache-2.0
/* A socket filter that does nothing, attached as the service attaches its own: the floor of any such capture. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../ffi/taps.h"

static int load(void)
{
	const struct bpf_insn drop[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "noop_filter", "GPL", drop,
			     sizeof(drop) / sizeof(*drop), NULL);
}

/* Says "attached", and stays so until its standard input ends. */
int main(void)
{
	int filter_fd = load(), err;
	struct taps taps;
	char byte;

	if (filter_fd < 0) {
		fprintf(stderr, "cannot load the filter: %s\n", strerror(errno));
		return 1;
	}
	err = taps_init(&taps, filter_fd);
	if (err) {
		fprintf(stderr, "cannot attach the filter: %s\n", strerror(-err));
		return 1;
	}
	puts("attached");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	taps_free(&taps);
	return 0;
}
