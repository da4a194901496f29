/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Kernelcast's own connections, so that they are left out of what it reports: by connection, not by port number.
 * TCP state changes (raw_tp/inet_sock_set_state) tell when the process connects, and when its listener accepts.
 */
#ifndef KERNELCAST_OWN_CONNS_BPF_H
#define KERNELCAST_OWN_CONNS_BPF_H

#include "segment.bpf.h"

/*
 * Called when a connection turns out to be ours; to be defined by the includer. A listener with TCP_DEFER_ACCEPT, such as
 * Bun's, establishes a connection only when the first request has come, and that has then been seen already.
 */
static __always_inline void own_conn_found(const struct conn_key *key);

#ifdef __bpf__

#include "own.bpf.h"

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

static __always_inline bool own_conn_is(const struct conn_key *key)
{
	return bpf_map_lookup_elem(&own_conns, key);
}

static __always_inline void own_read_key(const struct sock___kc *sk, struct conn_key *key)
{
	struct segment segment = {};
	struct ip_addresses ip;

	sock_read_addresses(sk, &ip);
	segment_set_key(&segment, &ip, sock_local_port(sk), sock_remote_port(sk));
	*key = segment.key;
}

/* args: struct sock *, old state, new state. */
SEC("raw_tp/inet_sock_set_state")
int own_connections(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sock___kc *sk = (const void *)ctx->args[0];
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
		own_conn_found(&key);
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

#else

/* A capture is of other processes. */
static __always_inline bool own_conn_is(const struct conn_key *key)
{
	return false;
}

#endif
#endif
