// SPDX-License-Identifier: Apache-2.0
/*
 * guard PARSER REFERENCE ROUNDS: runs the parser and the reference program in turns and prints, for each round, what the
 * one took for a transaction and what the other took for a run, in nanoseconds.
 */
#include "parser_rig.h"

enum {
	EXCHANGES = 200,
	PACKET_BYTES = 256,
};

static int load_reference(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);

	if (!object || bpf_object__load(object))
		return -1;
	return bpf_program__fd(bpf_object__find_program_by_name(object, "reference"));
}

static void run_reference(int program)
{
	uint8_t packet[PACKET_BYTES] = {[12] = 8, [14] = 0x45};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));

	if (bpf_prog_test_run_opts(program, &opts) < 0) {
		perror("BPF_PROG_TEST_RUN");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4 || !rig_open(argv[1]))
		return 1;
	int reference = load_reference(argv[2]), rounds = atoi(argv[3]);

	for (int round = -1; reference >= 0 && round < rounds; round++) {
		uint64_t parser_before = run_time_ns(filter);
		uint64_t reference_before = run_time_ns(reference);

		for (int i = 0; i < EXCHANGES; i++) {
			exchange();
			run_reference(reference);
			empty_rings();
		}
		/* The first one warms. */
		if (round >= 0)
			printf("%f %f\n", (double)(run_time_ns(filter) - parser_before) / EXCHANGES,
			       (double)(run_time_ns(reference) - reference_before) / EXCHANGES);
	}
	return reference < 0;
}
