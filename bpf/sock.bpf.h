/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The parts of kernel sockets that are read, relocated at load by name against the running kernel's BTF (CO-RE). */
#ifndef KERNELCAST_SOCK_BPF_H
#define KERNELCAST_SOCK_BPF_H

#include <bpf/bpf_core_read.h>
#include "segment.bpf.h"

struct in6_addr___kc {
	__u64 words[2];
};

struct ns_common___kc {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net___kc {
	struct ns_common___kc ns;
} __attribute__((preserve_access_index));

struct possible_net___kc {
	struct net___kc *net;
} __attribute__((preserve_access_index));

struct sock_common___kc {
	__u16 skc_family;
	__u16 skc_num;
	__u16 skc_dport;
	__u16 :16;
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	unsigned long skc_flags;
	struct possible_net___kc skc_net;
	struct in6_addr___kc skc_v6_daddr;
	struct in6_addr___kc skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct sock___kc {
	struct sock_common___kc __sk_common;
	__u16 sk_protocol;
	__u16 :16;
	__u32 :32;
} __attribute__((preserve_access_index));

struct inet_sock___kc {
	__u16 inet_sport;
} __attribute__((preserve_access_index));

struct tcp_sock___kc {
	__u64 bytes_received;
	__u64 bytes_sent; /* with retransmissions, without SYN and FIN */
	__u64 bytes_retrans;
	__u32 total_retrans;
	__u32 :32;
} __attribute__((preserve_access_index));

/* include/net/tcp_states.h; part of the user-space ABI. */
enum {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT = 2,
	STATE_SYN_RECV = 3,
	STATE_FIN_WAIT2 = 5,
	STATE_CLOSE = 7,
	STATE_LAST_ACK = 9,
	STATE_CLOSING = 11,
	/* include/net/sock.h, enum sock_flags: set when the peer's FIN has come (tcp_fin). */
	SOCK_DONE = 1,
	FAMILY_IPV4 = 2,
	FAMILY_IPV6 = 10,
};

/* source: the socket's own address. */
static __always_inline void sock_read_addresses(const struct sock___kc *sk, struct ip_addresses *ip)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == FAMILY_IPV4) {
		segment_map_ipv4(ip->source, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		segment_map_ipv4(ip->destination, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else {
		BPF_CORE_READ_INTO(&ip->source, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&ip->destination, sk, __sk_common.skc_v6_daddr);
	}
}

/* inet_sport, not skc_num: the latter is cleared before the change to TCP_CLOSE is told (inet_put_port). */
static __always_inline __u16 sock_local_port(const struct sock___kc *sk)
{
	return bpf_ntohs(
		BPF_CORE_READ((const struct inet_sock___kc *)(const void *)sk, inet_sport));
}

static __always_inline __u16 sock_remote_port(const struct sock___kc *sk)
{
	return bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

#endif
