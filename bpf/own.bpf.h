/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Which sockets are Kernelcast's own: those this process connects, and those its listener accepts. */
#ifndef KERNELCAST_OWN_BPF_H
#define KERNELCAST_OWN_BPF_H

#include "events.h"
#include "sock.bpf.h"

/* Who we are. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct own_process);
} own_process SEC(".maps");

static __always_inline bool own_is_current(const struct own_process *own)
{
	struct bpf_pidns_info info = {};

	return !bpf_get_ns_current_pid_tgid(own->pidns_dev, own->pidns_ino, &info, sizeof(info)) &&
	       info.tgid == own->tgid;
}

static __always_inline bool own_accepted(const struct own_process *own, const struct sock___kc *sk)
{
	struct ip_addresses ip;

	if (!own->listen_port || sock_local_port(sk) != own->listen_port ||
	    BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != own->netns_ino)
		return false;
	sock_read_addresses(sk, &ip);
	return !(own->listen_address[0] | own->listen_address[1]) ||
	       (ip.source[0] == own->listen_address[0] && ip.source[1] == own->listen_address[1]);
}

#endif
