// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* TCP connections of the host when they close: a second stream through the same library, from a tracepoint. */
#include "batch.bpf.h"
#include "own.bpf.h"

USM_EVENTS_INIT(tcp, PROTOCOL_TCP, struct tcp_event, 64)

struct tcp_begin {
	__u64 start_ns;
	__u8 role; /* enum tcp_role */
	__u8 established;
	__u8 pad[6];
};

/*
 * Sockets that connect or were accepted, by struct sock address; removed when they close. Those that were there before
 * the programs are not reported: nobody saw when they began.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct tcp_begin);
} tcp_socks SEC(".maps");

static __always_inline void tcp_begin(__u64 address, __u8 role, __u8 established)
{
	struct tcp_begin begin = {.start_ns = bpf_ktime_get_ns(),
				  .role = role,
				  .established = established};

	if (bpf_map_update_elem(&tcp_socks, &address, &begin, BPF_ANY))
		batch_refuse(&tcp_counters, DROP_TABLE_FULL);
}

static __always_inline __u8 tcp_outcome(const struct tcp_begin *begin, int old_state)
{
	if (!begin->established)
		return TCP_OUTCOME_REFUSED;
	return old_state == STATE_FIN_WAIT2 || old_state == STATE_LAST_ACK ||
			       old_state == STATE_CLOSING
		       ? TCP_OUTCOME_FIN
		       : TCP_OUTCOME_RESET;
}

/* The kernel counts the peer's FIN as a received byte. */
static __always_inline __u64 tcp_payload_received(const struct sock___kc *sk)
{
	bool fin = BPF_CORE_READ(sk, __sk_common.skc_flags) >> SOCK_DONE & 1;

	return BPF_CORE_READ((const struct tcp_sock___kc *)(const void *)sk, bytes_received) - fin;
}

static __always_inline void tcp_end(const struct sock___kc *sk, const struct tcp_begin *begin,
				    int old_state)
{
	const struct tcp_sock___kc *tcp = (const void *)sk;
	struct tcp_event event = {
		.start_ns = begin->start_ns,
		.end_ns = bpf_ktime_get_ns(),
		.bytes_sent = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans),
		.bytes_received = tcp_payload_received(sk),
		.local_port = sock_local_port(sk),
		.remote_port = sock_remote_port(sk),
		.retransmits = BPF_CORE_READ(tcp, total_retrans),
		.role = begin->role,
		.outcome = tcp_outcome(begin, old_state),
	};
	struct ip_addresses ip;

	sock_read_addresses(sk, &ip);
	__builtin_memcpy(event.local_address, ip.source, 16);
	__builtin_memcpy(event.remote_address, ip.destination, 16);
	tcp_batch_enqueue(&event);
}

/* args: struct sock *, old state, new state. Also hit by MPTCP and SCTP sockets, which are left alone. */
SEC("raw_tp/inet_sock_set_state")
int tcp_states(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sock___kc *sk = (const void *)ctx->args[0];
	__u64 address = ctx->args[0];
	__u32 zero = 0;
	const struct own_process *own = bpf_map_lookup_elem(&own_process, &zero);
	int old_state = ctx->args[1], new_state = ctx->args[2];
	struct tcp_begin *begin;

	if (!own || !is_tcp_monitoring_enabled() ||
	    BPF_CORE_READ(sk, sk_protocol) != IP_PROTOCOL_TCP)
		return 0;
	begin = bpf_map_lookup_elem(&tcp_socks, &address);
	if (new_state == STATE_SYN_SENT && !own_is_current(own)) {
		tcp_begin(address, TCP_ROLE_CLIENT, 0);
	} else if (new_state == STATE_ESTABLISHED && begin) {
		begin->established = 1;
	} else if (new_state == STATE_ESTABLISHED && old_state == STATE_SYN_RECV &&
		   !own_accepted(own, sk)) {
		tcp_begin(address, TCP_ROLE_SERVER, 1);
	} else if (new_state == STATE_CLOSE && begin) {
		tcp_end(sk, begin, old_state);
		bpf_map_delete_elem(&tcp_socks, &address);
	}
	/* This context may output, so it needs no other hook; the kick sends what stays behind. */
	tcp_batch_flush(ctx);
	return 0;
}

struct bpf_map;

static long tcp_forget_one(struct bpf_map *map, const __u64 *address, struct tcp_begin *begin,
			   void *context)
{
	bpf_map_delete_elem(map, address);
	return 0;
}

/* Run by user space before it resumes the stream: the kernel may have used the sockets' memory again meanwhile. */
SEC("raw_tp")
int tcp_forget(void *ctx)
{
	bpf_for_each_map_elem(&tcp_socks, tcp_forget_one, NULL, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
