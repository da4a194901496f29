/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* From a packet's network header to one TCP segment: who, where in the stream, which bytes. IPv4 and IPv6. */
#ifndef KERNELCAST_SEGMENT_BPF_H
#define KERNELCAST_SEGMENT_BPF_H

#include "platform.bpf.h"

/* Both directions of a connection have the same key: the endpoint that sorts lower comes first. */
struct conn_key {
	__u8 address[2][16]; /* network order, IPv4 as ::ffff:a.b.c.d */
	__u16 port[2];	     /* host order */
};

enum tcp_flags {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_ACK = 16,
};

struct segment {
	struct conn_key key;
	__u32 seq;    /* of the first payload byte */
	__u32 ack;    /* the next byte that the sender expects; only with TCP_ACK in flags */
	__u32 offset; /* of the payload, from the start of the packet the filter was given */
	__u32 len;    /* of the payload */
	__u32 pos;    /* payload bytes read so far */
	__u8 flags;   /* enum tcp_flags */
	__u8 from;    /* index into key of the sender */
	__u8 pad[6];
	__u64 now_ns;
};

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	IP_PROTOCOL_TCP = 6,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	TCP_HEADER = 20,
};

#ifdef __bpf__
typedef struct __sk_buff packet_t;

static __always_inline __u32 packet_len(const packet_t *packet)
{
	return packet->len;
}

#define packet_load(packet, offset, to, len) bpf_skb_load_bytes(packet, offset, to, len)
#else
/* A packet in memory, for tests and captures. */
typedef struct {
	const __u8 *bytes;
	__u32 len;
	__u16 protocol; /* ethertype, in network order */
} packet_t;

static __always_inline __u32 packet_len(const packet_t *packet)
{
	return packet->len;
}

static inline long packet_load(const packet_t *packet, __u32 offset, void *to, __u32 len)
{
	if (offset > packet->len || len > packet->len - offset)
		return -14;
	memcpy(to, packet->bytes + offset, len);
	return 0;
}
#endif

struct ip_addresses {
	__u64 source[2];
	__u64 destination[2];
};

/* Sorts the endpoints into the key and says which one sent. */
static __always_inline void segment_set_key(struct segment *segment, const struct ip_addresses *ip,
					    __u16 source_port, __u16 destination_port)
{
	struct conn_key *key = &segment->key;
	bool second;

	if (source_port != destination_port)
		second = source_port > destination_port;
	else if (ip->source[1] != ip->destination[1])
		second = ip->source[1] > ip->destination[1];
	else
		second = ip->source[0] > ip->destination[0];
	segment->from = second;
	if (second) {
		__builtin_memcpy(key->address[0], ip->destination, 16);
		__builtin_memcpy(key->address[1], ip->source, 16);
		key->port[0] = destination_port;
		key->port[1] = source_port;
	} else {
		__builtin_memcpy(key->address[0], ip->source, 16);
		__builtin_memcpy(key->address[1], ip->destination, 16);
		key->port[0] = source_port;
		key->port[1] = destination_port;
	}
}

/* An IPv4 address as it stands in the packet, mapped to IPv6. */
static __always_inline void segment_map_ipv4(__u64 to[2], __u32 address)
{
	__u32 words[4] = {0, 0, bpf_htonl(0xffff), address};

	__builtin_memcpy(to, words, 16);
}

/*
 * Reads the headers of a packet whose network header lies `network` bytes into it; ethertype in host order.
 * Returns true when it is a TCP segment that can matter: one with payload, or SYN, FIN or RST.
 * Not read: fragments (only the first has ports), IPv6 extension headers.
 */
static __always_inline bool segment_read(const packet_t *packet, __u32 network, __u16 ethertype,
					 struct segment *segment)
{
	struct ip_addresses ip;
	__u32 transport, total;
	__u8 header[IPV6_HEADER];
	__u8 tcp[TCP_HEADER];

	if (ethertype == ETHERTYPE_IPV4) {
		if (packet_load(packet, network, header, IPV4_HEADER) < 0 ||
		    header[9] != IP_PROTOCOL_TCP)
			return false;
		/* More-fragments or an offset: the stream is put together elsewhere. */
		if ((header[6] & 0x3f) | header[7])
			return false;
		transport = (header[0] & 0x0f) * 4;
		if (transport < IPV4_HEADER)
			return false;
		total = header[2] << 8 | header[3];
		segment_map_ipv4(ip.source, *(__u32 *)&header[12]);
		segment_map_ipv4(ip.destination, *(__u32 *)&header[16]);
	} else if (ethertype == ETHERTYPE_IPV6) {
		if (packet_load(packet, network, header, IPV6_HEADER) < 0 ||
		    header[6] != IP_PROTOCOL_TCP)
			return false;
		transport = IPV6_HEADER;
		total = header[4] << 8 | header[5];
		if (total)
			total += IPV6_HEADER;
		__builtin_memcpy(ip.source, &header[8], 16);
		__builtin_memcpy(ip.destination, &header[24], 16);
	} else {
		return false;
	}
	if (packet_load(packet, network + transport, tcp, TCP_HEADER) < 0)
		return false;

	/* Super-packets beyond 64 KiB carry length 0; small ones may be padded by the link, so the IP length rules. */
	__u32 available = packet_len(packet) - network;
	if (!total || total > available)
		total = available;
	__u32 headers = transport + (tcp[12] >> 4) * 4;
	if (headers < transport + TCP_HEADER)
		return false;
	segment->flags = tcp[13];
	segment->len = total > headers ? total - headers : 0;
	if (!segment->len && !(segment->flags & (TCP_FIN | TCP_SYN | TCP_RST)))
		return false;
	segment->offset = network + headers;
	segment->seq = bpf_ntohl(*(__u32 *)&tcp[4]) + !!(segment->flags & TCP_SYN);
	segment->ack = bpf_ntohl(*(__u32 *)&tcp[8]);
	segment->pos = 0;
	segment_set_key(segment, &ip, bpf_ntohs(*(__u16 *)&tcp[0]), bpf_ntohs(*(__u16 *)&tcp[2]));
	return true;
}

#endif
