/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The other way to see packets: as the sockets of a cgroup receive and send them (cgroup_skb), in every network namespace.
 * Data begins at the network header. Both programs let every packet pass.
 *
 * http_received sees what comes for a socket, before that takes it, in softirq. http_sent sees what a socket sends, behind
 * netfilter; of lo it leaves out what http_received will see, if all sockets are watched.
 * So a packet is seen once by a socket here, and the segments of a connection in an order in which they may have caused one
 * another. What two sockets here say to one another over other devices is seen twice, like a segment that is sent again.
 */
#ifndef KERNELCAST_HTTP_CGROUP_BPF_H
#define KERNELCAST_HTTP_CGROUP_BPF_H
#ifdef __bpf__

/* The number of lo in every network namespace (include/net/flow.h, LOOPBACK_IFINDEX). */
static const __u32 LOOPBACK_IFINDEX = 1;
static const int PASS = 1;

/* Of the namespace that the service runs in, whose connections keep scope 0. Written before load. */
setting __u64 http_own_netns = 0;

/* The cgroup is the root, so whoever gets what is sent over lo is watched as well. Written before load. */
setting bool http_all_sockets = false;

/* Linux 6.14, and called with functions of our own between them 6.15. */
extern void bpf_local_irq_save(unsigned long *flags) __weak __ksym;
extern void bpf_local_irq_restore(unsigned long *flags) __weak __ksym;

/* Addresses and ports are only unique within a namespace where lo is concerned: 127.0.0.1 is in each of them. */
static __always_inline void segment_set_scope(struct segment *segment, packet_t *packet)
{
	__u64 netns = bpf_get_netns_cookie(packet);

	if (netns != http_own_netns)
		segment->key.scope = netns;
}

/* Addresses and ports of a connected socket. Returns false for one that is none: a listener's SYN-ACK, a RST of the kernel. */
static __always_inline bool sock_read_names(packet_t *packet, struct ip_addresses *ip,
					    __u16 *source_port, __u16 *destination_port)
{
	const struct bpf_sock *sk = packet->sk;

	if (!sk)
		return false;
	*source_port = sk->src_port;
	*destination_port = bpf_ntohs(sk->dst_port);
	if (!*source_port || !*destination_port)
		return false;
	if (sk->family == FAMILY_IPV4) {
		/* Volatile, or the compiler joins the branches and reads at an offset that varies, which the verifier refuses. */
		segment_map_ipv4(ip->source, READ_ONCE(sk->src_ip4));
		segment_map_ipv4(ip->destination, READ_ONCE(sk->dst_ip4));
	} else {
		__u32 *source = (__u32 *)ip->source, *destination = (__u32 *)ip->destination;

		for (int i = 0; i < 4; i++) {
			source[i] = READ_ONCE(sk->src_ip6[i]);
			destination[i] = READ_ONCE(sk->dst_ip6[i]);
		}
	}
	return true;
}

/*
 * A NAT has given a packet other names by the time it is sent, while its answer comes back under those of the socket: the
 * socket's are what both are known by.
 */
__noinline int http_segment_rename(packet_t *packet, struct segment *segment)
{
	struct ip_addresses ip;
	__u16 source_port, destination_port;

	if (packet && segment && sock_read_names(packet, &ip, &source_port, &destination_port))
		segment_set_key(segment, &ip, source_port, destination_port);
	return 0;
}

/* Has a NAT renamed a packet that is sent over lo, so that http_received sees it under other names than its answer? */
__noinline int http_is_renamed(packet_t *packet)
{
	struct ip_addresses socket, ip;
	__u16 source_port, destination_port, ports[2];
	__u8 header[IPV6_HEADER];
	__u32 transport = IPV6_HEADER;

	if (!packet || !sock_read_names(packet, &socket, &source_port, &destination_port))
		return false;
	if (packet->protocol == bpf_htons(ETHERTYPE_IPV4)) {
		if (packet_load(packet, 0, header, IPV4_HEADER) < 0)
			return false;
		transport = (header[0] & 0x0f) * 4;
		segment_map_ipv4(ip.source, *(__u32 *)&header[12]);
		segment_map_ipv4(ip.destination, *(__u32 *)&header[16]);
	} else {
		/* Behind extension headers ports are looked for in vain: then it is read twice. */
		if (packet_load(packet, 0, header, IPV6_HEADER) < 0)
			return false;
		__builtin_memcpy(ip.source, &header[8], 16);
		__builtin_memcpy(ip.destination, &header[24], 16);
	}
	return packet_load(packet, transport, ports, sizeof(ports)) < 0 ||
	       bpf_ntohs(ports[0]) != source_port || bpf_ntohs(ports[1]) != destination_port ||
	       ip.source[0] != socket.source[0] || ip.source[1] != socket.source[1] ||
	       ip.destination[0] != socket.destination[0] ||
	       ip.destination[1] != socket.destination[1];
}

/*
 * Does a packet have the names of its socket, as nearly all have that are sent over lo? Only plain ones are looked at, right
 * where they are: this is done for each of them.
 */
static __always_inline bool http_is_plainly_named(packet_t *packet)
{
	const __u8 *data = (void *)(long)packet->data, *end = (void *)(long)packet->data_end;
	const struct bpf_sock *sk = packet->sk;

	if (!sk || data + IPV4_HEADER + 4 > end)
		return false;
	if (data[0] == 0x45)
		return *(__u16 *)&data[20] == bpf_htons(sk->src_port) &&
		       *(__u16 *)&data[22] == sk->dst_port && sk->family == FAMILY_IPV4 &&
		       *(__u32 *)&data[12] == READ_ONCE(sk->src_ip4) &&
		       *(__u32 *)&data[16] == READ_ONCE(sk->dst_ip4);
	if (data + IPV6_HEADER + 4 > end || data[6] != IP_PROTOCOL_TCP ||
	    *(__u16 *)&data[40] != bpf_htons(sk->src_port) || *(__u16 *)&data[42] != sk->dst_port ||
	    sk->family != FAMILY_IPV6)
		return false;
	for (int i = 0; i < 4; i++)
		if (*(__u32 *)&data[8 + 4 * i] != READ_ONCE(sk->src_ip6[i]) ||
		    *(__u32 *)&data[24 + 4 * i] != READ_ONCE(sk->dst_ip6[i]))
			return false;
	return true;
}

/* Reads the segment that http_received or http_sent was given into the scratch. */
__noinline int http_read_of_socket(packet_t *packet, __u32 sent)
{
	struct http_scratch *scratch = http_scratch_get();

	if (!packet || !scratch ||
	    !http_segment_read(packet, 0, bpf_ntohs(packet->protocol), &scratch->segment))
		return false;
	if (sent)
		http_segment_rename(packet, &scratch->segment);
	if (packet->ifindex == LOOPBACK_IFINDEX)
		segment_set_scope(&scratch->segment, packet);
	return true;
}

SEC("?cgroup_skb/ingress")
int http_received(packet_t *packet)
{
	if (is_http_monitoring_enabled() && http_read_of_socket(packet, false))
		http_follow(packet);
	http_batch_flush(packet);
	return PASS;
}

/* A function of its own, for its stack. */
__noinline int http_flush_sent(packet_t *packet)
{
	return packet ? http_batch_flush(packet) : 0;
}

/*
 * A process sends with softirqs on and may be preempted, so this would meet http_received, or itself, half-way through a
 * connection and the CPU's scratch: with interrupts off it runs like the others, from beginning to end.
 */
SEC("?cgroup_skb/egress")
int http_sent(packet_t *packet)
{
	unsigned long flags;

	if (!is_http_monitoring_enabled() ||
	    (http_all_sockets && packet->ifindex == LOOPBACK_IFINDEX &&
	     (http_is_plainly_named(packet) || !http_is_renamed(packet))))
		return PASS;
	bpf_local_irq_save(&flags);
	if (http_read_of_socket(packet, true))
		http_follow(packet);
	http_flush_sent(packet);
	bpf_local_irq_restore(&flags);
	return PASS;
}

#endif
#endif
