/* SPDX-License-Identifier: Apache-2.0 */
/* TCP packets made from a few words, and segment_read() on copies of them that end at an unreadable page. */
#ifndef KERNELCAST_PACKET_H
#define KERNELCAST_PACKET_H

#include "../../bpf/segment.bpf.h"
#include "check.h"
#include "guarded.h"

/* Bytes that are put into a packet as they are. */
struct octets {
	__u8 bytes[72];
	__u32 len;
};

#define OCTETS(...)                                                                                \
	{                                                                                          \
		.bytes = {__VA_ARGS__}, .len = sizeof((__u8[]){__VA_ARGS__})                       \
	}

/*
 * network: bytes before the tags and the IP header, which no one is to look at. Option lengths are multiples of 4.
 * ethertype: what the filter is told; 0: that of the IP header.
 */
struct shape {
	bool ipv6;
	__u16 ethertype;
	struct octets tags, extensions;
	__u8 first_extension;
	__u32 network, ip_options, tcp_options, payload, padding;
	__u8 flags;
	__u16 source_port, destination_port;
	__u32 seq, ack;
};

struct made {
	__u8 bytes[40 * 1024];
	__u32 len;
	__u32 payload; /* where it begins */
	__u32 ip, tcp; /* where these headers begin */
};

static const __u8 ipv4_source[4] = {10, 1, 2, 3}, ipv4_destination[4] = {192, 168, 0, 9};
static const __u8 ipv6_source[16] = {0x20, 1, 0xd, 0xb8, [15] = 7},
		  ipv6_destination[16] = {[15] = 1};

static const struct shape plain = {.payload = 33,
				   .flags = TCP_ACK,
				   .source_port = 51000,
				   .destination_port = 80,
				   .seq = 0xfffffff0,
				   .ack = 0x80000001};

static inline void put16(__u8 *at, __u16 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static inline void put32(__u8 *at, __u32 value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

/* The packet is overwritten by the next call. */
static inline struct made *make_packet(const struct shape *shape)
{
	static struct made made;
	__u32 header =
		shape->ipv6 ? IPV6_HEADER + shape->extensions.len : IPV4_HEADER + shape->ip_options;
	__u32 tcp_len = TCP_HEADER + shape->tcp_options;
	__u32 total = header + tcp_len + shape->payload;

	made.ip = shape->network + shape->tags.len;
	made.tcp = made.ip + header;
	made.payload = made.tcp + tcp_len;
	made.len = made.ip + total + shape->padding;
	__u8 *ip = made.bytes + made.ip, *tcp = made.bytes + made.tcp;
	memset(made.bytes, 0xee, made.len);
	memcpy(made.bytes + shape->network, shape->tags.bytes, shape->tags.len);
	memset(ip, 0, header + tcp_len);
	if (shape->ipv6) {
		ip[0] = 0x60;
		put16(ip + 4, total - IPV6_HEADER);
		ip[6] = shape->extensions.len ? shape->first_extension : IP_PROTOCOL_TCP;
		memcpy(ip + 8, ipv6_source, 16);
		memcpy(ip + 24, ipv6_destination, 16);
		memcpy(ip + IPV6_HEADER, shape->extensions.bytes, shape->extensions.len);
	} else {
		ip[0] = 0x40 | header / 4;
		put16(ip + 2, total);
		ip[9] = IP_PROTOCOL_TCP;
		memcpy(ip + 12, ipv4_source, 4);
		memcpy(ip + 16, ipv4_destination, 4);
	}
	put16(tcp, shape->source_port);
	put16(tcp + 2, shape->destination_port);
	put32(tcp + 4, shape->seq);
	put32(tcp + 8, shape->ack);
	tcp[12] = tcp_len / 4 << 4;
	tcp[13] = shape->flags;
	return &made;
}

/* Of the packet's first `len` bytes. What segment_read() does not write is rubbish. */
static inline bool read_start(const struct made *made, const struct shape *shape, __u32 len,
			      struct segment *segment)
{
	packet_t packet = {.bytes = guarded_copy(made->bytes, len), .len = len};
	__u16 ethertype = shape->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;

	memset(segment, 0xaa, sizeof(*segment));
	return segment_read(&packet, shape->network, shape->ethertype ?: ethertype, segment);
}

static inline bool read_whole(const struct made *made, const struct shape *shape,
			      struct segment *segment)
{
	return read_start(made, shape, made->len, segment);
}

/*
 * Reads a packet without IP or TCP lengths that lie at every length it may have been cut to. It counts once the fixed
 * part of TCP's header is there, when one of `flags` is set, and else when a byte of payload is.
 */
static inline void check_every_truncation(const char *name, const struct made *made,
					  const struct shape *shape)
{
	bool flagged = shape->flags & (TCP_FIN | TCP_SYN | TCP_RST);
	__u32 needed = flagged ? made->tcp + TCP_HEADER : made->payload + 1;
	struct segment segment;

	for (__u32 len = 0; len <= made->len; len++) {
		bool read = read_start(made, shape, len, &segment);
		__u32 payload = len > made->payload ? len - made->payload : 0;

		if (payload > shape->payload)
			payload = shape->payload;
		check(read == (len >= needed), "%s: %u of %u bytes are%s read", name, len,
		      made->len, read ? "" : " not");
		if (read)
			check(segment.len == payload &&
				      (!payload || segment.offset == made->payload),
			      "%s: %u of %u bytes have a payload of %u at %u", name, len, made->len,
			      segment.len, segment.offset);
	}
}

#endif
