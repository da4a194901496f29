/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * From a packet's network header to one TCP segment: who, where in the stream, which bytes. IPv4, IPv6 with extension
 * headers, and both behind VLAN tags. What is rare lies in functions of its own, so that plain packets cost two loads.
 */
#ifndef KERNELCAST_SEGMENT_BPF_H
#define KERNELCAST_SEGMENT_BPF_H

#include "platform.bpf.h"

/* Both directions of a connection have the same key: the endpoint that sorts lower comes first. */
struct conn_key {
	__u8 address[2][16]; /* network order, IPv4 as ::ffff:a.b.c.d */
	__u16 port[2];	     /* host order */
	__u32 scope; /* the network namespace whose loopback device it crosses; 0: ours, or another device */
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
	__u8 held; /* role + 1 of the sender when the payload is not in the packet but was kept (http_held.bpf.h) */
	__u8 pad;
	__u64 now_ns;
};

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	TCP_HEADER = 20,
	VLAN_TAG = 4,
	/* More of either than any sender stacks. */
	VLAN_TAGS = 4,
	IPV6_EXTENSIONS = 8,
};

/* IPv4 protocols and IPv6 next headers (IANA), as far as they are passed over or read. */
enum ip_protocol {
	IP_PROTOCOL_HOP_BY_HOP = 0,
	IP_PROTOCOL_TCP = 6,
	IP_PROTOCOL_ROUTING = 43,
	IP_PROTOCOL_FRAGMENT = 44,
	IP_PROTOCOL_AUTHENTICATION = 51,
	IP_PROTOCOL_DESTINATION_OPTIONS = 60,
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
	__u32 missing;	/* bytes at its end that are not at hand: the capture cut it */
	__u16 protocol; /* ethertype, in network order */
} packet_t;

static __always_inline __u32 packet_len(const packet_t *packet)
{
	return packet->len;
}

static inline long packet_load(const packet_t *packet, __u32 offset, void *to, __u32 len)
{
	__u32 there = packet->len - packet->missing;

	if (offset > there || len > there - offset)
		return -14;
	memcpy(to, packet->bytes + offset, len);
	return 0;
}
#endif

_Static_assert(IPV6_HEADER == IPV4_HEADER + TCP_HEADER, "one load does for either");

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
	segment->key.scope = 0;
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

static __always_inline bool is_vlan(__u16 ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ ||
	       ethertype == ETHERTYPE_QINQ_OLD;
}

/* What a packet that begins with this byte can be: ETHERTYPE_IPV4, ETHERTYPE_IPV6 or 0. */
static __always_inline __u16 ip_ethertype(__u8 first)
{
	if (first >> 4 == 6)
		return ETHERTYPE_IPV6;
	return first >> 4 == 4 && (first & 0x0f) * 4 >= IPV4_HEADER ? ETHERTYPE_IPV4 : 0;
}

/*
 * Takes *network, of a packet whose ethertype is that of a VLAN tag, behind the tags. Returns the ethertype there, 0 when
 * it is not IP. Where data begins varies: a received packet has lost its outermost tag and the inner ones are data, each
 * as two bytes of its own and the ethertype that follows (skb_vlan_untag); in a sent one the network header may lie behind
 * all tags while the ethertype is still the outermost one's (packet_parse_headers, __vlan_hwaccel_push_inside).
 */
__noinline int segment_untag(packet_t *packet, __u32 *network)
{
	__u8 tag[VLAN_TAG + 1];

	if (!packet || !network)
		return 0;
	for (__u32 i = 0; i < VLAN_TAGS; i++) {
		__u32 at = *network + i * VLAN_TAG;
		if (packet_load(packet, at, tag, sizeof(tag)) < 0)
			break;
		__u16 ethertype = tag[2] << 8 | tag[3];
		if (ethertype && ethertype == ip_ethertype(tag[VLAN_TAG])) {
			*network = at + VLAN_TAG;
			return ethertype;
		}
		if (!is_vlan(ethertype))
			break;
	}
	if (packet_load(packet, *network, tag, 1) < 0)
		return 0;
	return ip_ethertype(tag[0]);
}

/*
 * Passes over the extension headers of an IPv6 packet, the first of which is of kind `next` (RFC 8200 section 4).
 * Returns where TCP begins, from the network header; -1 when it does not: another protocol, encrypted, or a fragment
 * (one that is the whole packet, RFC 6946, is read). A packet that is still to be routed (segment routing, RFC 8754;
 * mobility, RFC 6275) is on its way to the first address of the list: that goes into ip->destination.
 */
__noinline int segment_pass_extensions(packet_t *packet, __u32 network, __u32 next,
				       struct ip_addresses *ip)
{
	__u32 at = IPV6_HEADER;
	__u8 header[8];

	if (!packet || !ip)
		return -1;
	for (__u32 i = 0; i < IPV6_EXTENSIONS; i++) {
		if (packet_load(packet, network + at, header, sizeof(header)) < 0)
			return -1;
		__u32 size = (header[1] + 1) * 8;
		switch (next) {
		case IP_PROTOCOL_HOP_BY_HOP:
		case IP_PROTOCOL_DESTINATION_OPTIONS:
			break;
		case IP_PROTOCOL_ROUTING:
			if (header[3] && (header[2] == 2 || header[2] == 4) &&
			    packet_load(packet, network + at + 8, ip->destination, 16) < 0)
				return -1;
			break;
		case IP_PROTOCOL_AUTHENTICATION:
			size = (header[1] + 2) * 4;
			break;
		case IP_PROTOCOL_FRAGMENT:
			if (header[2] | (header[3] & 0xf9))
				return -1;
			size = 8;
			break;
		default:
			return -1;
		}
		at += size;
		next = header[0];
		if (next == IP_PROTOCOL_TCP)
			return at;
	}
	return -1;
}

/*
 * Reads the headers of a packet whose network header lies `network` bytes into it; ethertype in host order.
 * Returns true when it is a TCP segment that can matter: one with payload, or SYN, FIN or RST.
 * Not read: fragments (only the first has ports), what is inside a tunnel (its own device shows it).
 */
static __always_inline bool segment_read(packet_t *packet, __u32 network, __u16 ethertype,
					 struct segment *segment)
{
	struct ip_addresses ip;
	__u32 transport, total;
	__u8 header[IPV4_HEADER + TCP_HEADER];
	__u8 tcp[TCP_HEADER];

	if (is_vlan(ethertype))
		ethertype = segment_untag(packet, &network);
	/* Both headers of IPv4, or the one of IPv6: a call is dearer than the bytes. */
	if (packet_load(packet, network, header, sizeof(header)) < 0)
		return false;
	if (ethertype == ETHERTYPE_IPV4) {
		if (header[9] != IP_PROTOCOL_TCP || ip_ethertype(header[0]) != ETHERTYPE_IPV4)
			return false;
		/* More-fragments or an offset: the stream is put together elsewhere. */
		if ((header[6] & 0x3f) | header[7])
			return false;
		transport = (header[0] & 0x0f) * 4;
		total = header[2] << 8 | header[3];
		segment_map_ipv4(ip.source, *(__u32 *)&header[12]);
		segment_map_ipv4(ip.destination, *(__u32 *)&header[16]);
	} else if (ethertype == ETHERTYPE_IPV6) {
		if (ip_ethertype(header[0]) != ETHERTYPE_IPV6)
			return false;
		transport = IPV6_HEADER;
		total = header[4] << 8 | header[5];
		if (total)
			total += IPV6_HEADER;
		__builtin_memcpy(ip.source, &header[8], 16);
		__builtin_memcpy(ip.destination, &header[24], 16);
		if (header[6] != IP_PROTOCOL_TCP) {
			int passed = segment_pass_extensions(packet, network, header[6], &ip);
			if (passed < 0)
				return false;
			transport = passed;
		}
	} else {
		return false;
	}
	if (transport == IPV4_HEADER)
		__builtin_memcpy(tcp, header + IPV4_HEADER, TCP_HEADER);
	else if (packet_load(packet, network + transport, tcp, TCP_HEADER) < 0)
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
	segment->held = 0;
	segment_set_key(segment, &ip, bpf_ntohs(*(__u16 *)&tcp[0]), bpf_ntohs(*(__u16 *)&tcp[2]));
	return true;
}

#endif
