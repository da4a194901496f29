// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* Work of a fixed size, of the kinds that a parser does: what the parser takes is told as a multiple of it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum {
	LOOKUPS = 8,
	BYTES = 64,
	LOADS = 4,
};

struct scratch {
	char bytes[BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct scratch);
} reference_map SEC(".maps");

SEC("socket")
int reference(struct __sk_buff *packet)
{
	struct scratch scratch = {};
	__u64 sum = bpf_ktime_get_ns();

	for (__u64 key = 0; key < LOOKUPS; key++) {
		const struct scratch *found = bpf_map_lookup_elem(&reference_map, &key);

		if (found)
			sum += found->bytes[key];
		else
			bpf_map_update_elem(&reference_map, &key, &scratch, BPF_ANY);
	}
	for (int i = 0; i < LOADS; i++) {
		if (bpf_skb_load_bytes(packet, i * 8, scratch.bytes, BYTES))
			return 0;
		for (int at = 0; at < BYTES; at++)
			sum = sum * 31 + scratch.bytes[at];
	}
	return sum & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
