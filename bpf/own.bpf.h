/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Kernelcast's own connections, so that they are left out of what it reports: by connection, not by port number.
 * TCP state changes (raw_tp/inet_sock_set_state) tell when the process connects, and when its listener accepts.
 */
#ifndef KERNELCAST_OWN_BPF_H
#define KERNELCAST_OWN_BPF_H

#include <bpf/bpf_core_read.h>
#include "segment.bpf.h"

/* The parts of kernel structures that are read, relocated at load by name against the running kernel's BTF. */
struct in6_addr___own {
	__u64 words[2];
};

struct ns_common___own {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net___own {
	struct ns_common___own ns;
} __attribute__((preserve_access_index));

struct possible_net___own {
	struct net___own *net;
} __attribute__((preserve_access_index));

struct sock_common___own {
	__u16 skc_family;
	__u16 skc_num;
	__u16 skc_dport;
	__u16 :16;
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	struct possible_net___own skc_net;
	struct in6_addr___own skc_v6_daddr;
	struct in6_addr___own skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct sock___own {
	struct sock_common___own __sk_common;
} __attribute__((preserve_access_index));

/* Who we are. Written by user space: at open, and the port once the server listens. */
struct own_process {
	__u64 pidns_dev;
	__u64 pidns_ino;
	__u32 tgid; /* in that PID namespace */
	__u32 netns_ino;
	__u32 listen_port; /* 0: none yet */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct own_process);
} own_process SEC(".maps");

/* Sockets of ours that are connecting or connected, by struct sock address; removed when they close. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct conn_key);
} own_sockets SEC(".maps");

/* Connections of ours; looked up when a connection's first request is seen, removed with the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct conn_key);
	__type(value, __u8);
} own_conns SEC(".maps");

enum {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT = 2,
	STATE_CLOSE = 7,
	FAMILY_IPV4 = 2,
	FAMILY_IPV6 = 10,
};

static __always_inline bool own_is_current(const struct own_process *own)
{
	struct bpf_pidns_info info = {};

	return !bpf_get_ns_current_pid_tgid(own->pidns_dev, own->pidns_ino, &info, sizeof(info)) &&
	       info.tgid == own->tgid;
}

static __always_inline bool own_accepted(const struct own_process *own, const struct sock___own *sk)
{
	return own->listen_port && BPF_CORE_READ(sk, __sk_common.skc_num) == own->listen_port &&
	       BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) == own->netns_ino;
}

static __always_inline void own_read_key(const struct sock___own *sk, struct conn_key *key)
{
	struct segment segment = {};
	struct ip_addresses ip;

	if (BPF_CORE_READ(sk, __sk_common.skc_family) == FAMILY_IPV4) {
		segment_map_ipv4(ip.source, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		segment_map_ipv4(ip.destination, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else {
		BPF_CORE_READ_INTO(&ip.source, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&ip.destination, sk, __sk_common.skc_v6_daddr);
	}
	segment_set_key(&segment, &ip, BPF_CORE_READ(sk, __sk_common.skc_num),
			bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport)));
	*key = segment.key;
}

/* args: struct sock *, old state, new state. */
SEC("raw_tp/inet_sock_set_state")
int own_connections(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sock___own *sk = (const void *)ctx->args[0];
	__u64 address = ctx->args[0];
	__u32 zero = 0, state = ctx->args[2];
	const struct own_process *own = bpf_map_lookup_elem(&own_process, &zero);
	struct conn_key key = {}, *known;
	__u8 one = 1;

	if (!own)
		return 0;
	switch (state) {
	case STATE_SYN_SENT:
		/* The port is not chosen yet; the connecting process still is the current one. */
		if (own_is_current(own))
			bpf_map_update_elem(&own_sockets, &address, &key, BPF_ANY);
		break;
	case STATE_ESTABLISHED:
		if (!bpf_map_lookup_elem(&own_sockets, &address) && !own_accepted(own, sk))
			break;
		own_read_key(sk, &key);
		bpf_map_update_elem(&own_conns, &key, &one, BPF_ANY);
		bpf_map_update_elem(&own_sockets, &address, &key, BPF_ANY);
		break;
	case STATE_CLOSE:
		known = bpf_map_lookup_elem(&own_sockets, &address);
		if (!known)
			break;
		key = *known;
		bpf_map_delete_elem(&own_conns, &key);
		bpf_map_delete_elem(&own_sockets, &address);
		break;
	}
	return 0;
}

#endif
