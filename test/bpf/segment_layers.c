// SPDX-License-Identifier: Apache-2.0
/* What may lie before and inside an IP packet: VLAN tags, IPv6 extension headers, lengths beyond 64 KiB. */
#include "packet.h"

#define TAG(ethertype) 0x20, 5, (ethertype) >> 8, (ethertype)&0xff

/* The ethertype that the filter is told, and the bytes between where its data begins and the IP header. */
static const struct {
	const char *name;
	__u16 ethertype;
	struct octets tags4, tags6; /* before IPv4, before IPv6 */
	bool unread;
} tagged[] = {
	{"a tag", ETHERTYPE_VLAN, OCTETS(TAG(0x0800)), OCTETS(TAG(0x86dd))},
	{"a service tag", ETHERTYPE_QINQ, OCTETS(TAG(0x0800)), OCTETS(TAG(0x86dd))},
	{"an old service tag", ETHERTYPE_QINQ_OLD, OCTETS(TAG(0x0800)), OCTETS(TAG(0x86dd))},
	{"QinQ", ETHERTYPE_QINQ, OCTETS(TAG(0x8100), TAG(0x0800)),
	 OCTETS(TAG(0x8100), TAG(0x86dd))},
	{"old QinQ", ETHERTYPE_QINQ_OLD, OCTETS(TAG(0x8100), TAG(0x0800)),
	 OCTETS(TAG(0x8100), TAG(0x86dd))},
	{"a tag in a tag", ETHERTYPE_VLAN, OCTETS(TAG(0x8100), TAG(0x0800)),
	 OCTETS(TAG(0x8100), TAG(0x86dd))},
	{"four tags", ETHERTYPE_QINQ, OCTETS(TAG(0x88a8), TAG(0x9100), TAG(0x8100), TAG(0x0800)),
	 OCTETS(TAG(0x88a8), TAG(0x9100), TAG(0x8100), TAG(0x86dd))},
	{"a sent packet, whose data begins behind the tag", ETHERTYPE_VLAN, {}, {}},
	{"a sent packet, whose data begins behind QinQ", ETHERTYPE_QINQ, {}, {}},
	{"a tag that begins like IPv4", ETHERTYPE_VLAN, OCTETS(0x45, 0, 8, 0),
	 OCTETS(0x45, 0, 0x86, 0xdd)},
	{"a tag that begins like IPv6", ETHERTYPE_VLAN, OCTETS(0x60, 0, 8, 0),
	 OCTETS(0x60, 0, 0x86, 0xdd)},
	{"a tag that names the other version", ETHERTYPE_VLAN, OCTETS(TAG(0x86dd)),
	 OCTETS(TAG(0x0800)), true},
	{"a tag before ARP", ETHERTYPE_VLAN, OCTETS(TAG(0x0806)), OCTETS(TAG(0x0806)), true},
	{"a tag before LLC", ETHERTYPE_VLAN, OCTETS(TAG(0x0040)), OCTETS(TAG(0x0040)), true},
	{"five tags", ETHERTYPE_QINQ,
	 OCTETS(TAG(0x8100), TAG(0x8100), TAG(0x8100), TAG(0x8100), TAG(0x0800)),
	 OCTETS(TAG(0x8100), TAG(0x8100), TAG(0x8100), TAG(0x8100), TAG(0x86dd)), true},
};

static void tags_are_passed_over(void)
{
	struct segment segment;

	for (__u32 i = 0; i < 8 * sizeof(tagged) / sizeof(*tagged); i++) {
		const char *name = tagged[i / 8].name;
		struct shape shape = plain;

		shape.ipv6 = i & 1;
		shape.padding = i & 2 ? 7 : 0;
		shape.network = i & 4 ? 14 : 0;
		shape.ethertype = tagged[i / 8].ethertype;
		shape.tags = shape.ipv6 ? tagged[i / 8].tags6 : tagged[i / 8].tags4;
		struct made *made = make_packet(&shape);
		if (tagged[i / 8].unread) {
			for (__u32 len = 0; len <= made->len; len++)
				check(!read_start(made, &shape, len, &segment), "%s is read", name);
			continue;
		}
		check(read_whole(made, &shape, &segment) && segment.len == plain.payload &&
			      segment.offset == made->payload && segment.seq == plain.seq,
		      "%s: payload of %u bytes at %u, expected %u at %u", name, segment.len,
		      segment.offset, plain.payload, made->payload);
		check_every_truncation(name, made, &shape);
	}
}

/* The third and fourth byte of an IPv4 header are its length, and those of a tag an ethertype. */
static void a_length_that_is_an_ethertype_is_no_tag(void)
{
	static const __u16 totals[] = {0x0800, 0x8100, 0x86dd, 0x88a8, 0x9100};
	struct segment segment;

	for (__u32 i = 0; i < sizeof(totals) / sizeof(*totals); i++) {
		struct shape shape = plain;

		shape.ethertype = ETHERTYPE_VLAN;
		shape.payload = totals[i] - IPV4_HEADER - TCP_HEADER;
		struct made *made = make_packet(&shape);
		put16(made->bytes + 6, 0x4000); /* don't-fragment */
		check(read_whole(made, &shape, &segment) && segment.len == shape.payload &&
			      segment.offset == made->payload,
		      "a packet of %u bytes is not read", totals[i]);
	}
}

#define OPTIONS(next) next, 0, 1, 4, 0, 0, 0, 0
#define ROUTING(units, type, left)                                                                 \
	TCP, units, type, left, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, [23] = 0x99 /* the last address */

enum {
	TCP = IP_PROTOCOL_TCP
};

/* first: the kind of the first header. routed: the connection is with the address that the routing header names. */
static const struct {
	const char *name;
	__u8 first;
	struct octets bytes;
	bool routed;
	bool unread;
} extended[] = {
	{"hop-by-hop options", 0, OCTETS(OPTIONS(TCP))},
	{"destination options", 60, OCTETS(OPTIONS(TCP))},
	{"options of 24 bytes", 60, OCTETS(TCP, 2, 1, 20, [4] = 0, [23] = 0)},
	{"a jumbo length", 0, OCTETS(TCP, 0, 0xc2, 4, 0, 1, 0, 0)},
	{"authentication", 51, OCTETS(TCP, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, [23] = 7)},
	{"a fragment that is the whole packet", 44, OCTETS(TCP, 0, 0, 0, 1, 2, 3, 4)},
	{"such a fragment with reserved bits", 44, OCTETS(TCP, 0xff, 0, 6, 1, 2, 3, 4)},
	{"hop-by-hop, destination, routing, fragment", 0,
	 OCTETS(OPTIONS(60), OPTIONS(43), 44, 0, 4, 0, 0, 0, 0, 0, TCP, 0, 0, 0, 0, 0, 0, 1)},
	{"authentication, destination", 51, OCTETS(60, 1, [11] = 0, OPTIONS(TCP))},
	{"routing that is done", 43, OCTETS(ROUTING(2, 4, 0))},
	{"segment routing with one to go", 43, OCTETS(ROUTING(2, 4, 1)), true},
	{"segment routing with two to go", 43, OCTETS(ROUTING(4, 4, 2), [39] = 1), true},
	{"a mobile node's home", 43, OCTETS(ROUTING(2, 2, 1)), true},
	{"eight headers", 0,
	 OCTETS(OPTIONS(60), OPTIONS(60), OPTIONS(60), OPTIONS(60), OPTIONS(60), OPTIONS(60),
		OPTIONS(60), OPTIONS(TCP))},
	{"nine headers", 0,
	 OCTETS(OPTIONS(60), OPTIONS(60), OPTIONS(60), OPTIONS(60), OPTIONS(60), OPTIONS(60),
		OPTIONS(60), OPTIONS(60), OPTIONS(TCP)),
	 false, true},
	{"the first of two fragments", 44, OCTETS(TCP, 0, 0, 1, 1, 2, 3, 4), false, true},
	{"a further fragment", 44, OCTETS(TCP, 0, 0, 8, 1, 2, 3, 4), false, true},
	{"a far fragment", 44, OCTETS(TCP, 0, 0x80, 0, 1, 2, 3, 4), false, true},
	{"encryption", 50, OCTETS(0, 0, 0, 1, 0, 0, 0, 1), false, true},
	{"UDP behind options", 60, OCTETS(OPTIONS(17)), false, true},
	{"nothing behind options", 60, OCTETS(OPTIONS(59)), false, true},
	{"encryption behind options", 0, OCTETS(OPTIONS(50)), false, true},
};

static void extension_headers_are_passed_over(void)
{
	static const __u8 routed_to[16] = {0x20, 1, 0xd, 0xb8, [15] = 0x99};

	for (__u32 i = 0; i < 4 * sizeof(extended) / sizeof(*extended); i++) {
		const char *name = extended[i / 4].name;
		struct shape shape = plain;
		struct segment segment;

		shape.ipv6 = true;
		shape.flags |= i & 1 ? TCP_FIN : 0;
		shape.padding = i & 2 ? 3 : 0;
		shape.extensions = extended[i / 4].bytes;
		shape.first_extension = extended[i / 4].first;
		struct made *made = make_packet(&shape);
		if (extended[i / 4].unread) {
			for (__u32 len = 0; len <= made->len; len++)
				check(!read_start(made, &shape, len, &segment), "%s is read", name);
			continue;
		}
		check_every_truncation(name, made, &shape);
		if (!check(read_whole(made, &shape, &segment), "%s is not read", name))
			continue;
		check(!memcmp(segment.key.address[segment.from], ipv6_source, 16) &&
			      !memcmp(segment.key.address[segment.from ^ 1],
				      extended[i / 4].routed ? routed_to : ipv6_destination, 16),
		      "%s: the endpoints are not those of the connection", name);
	}
}

/* Every kind of header with every length byte, so that each lies somewhere. */
static void lengths_of_extension_headers_are_bounded_by_the_packet(void)
{
	static const __u8 kinds[] = {0, 43, 44, 51, 60};
	struct shape shape = plain;
	struct segment segment;

	shape.ipv6 = true;
	shape.extensions = (struct octets)OCTETS(OPTIONS(TCP));
	for (__u32 i = 0; i < 256 * sizeof(kinds); i++) {
		shape.first_extension = kinds[i / 256];
		shape.extensions.bytes[1] = i;
		struct made *made = make_packet(&shape);
		if (read_whole(made, &shape, &segment))
			check(!segment.len || segment.offset + segment.len <= made->len,
			      "header %u of length %u reaches beyond the packet",
			      shape.first_extension, i & 0xff);
	}
}

/* What segmentation offload sends and receive offload makes: as long as 16 bits allow, and beyond them with length 0. */
static void super_packets_are_read_whole(void)
{
	enum {
		BIG = 100 * 1024
	};
	static __u8 bytes[BIG];
	struct segment segment;

	for (__u32 i = 0; i < 3; i++) {
		struct shape shape = plain;

		shape.ipv6 = i > 0;
		shape.first_extension = IP_PROTOCOL_HOP_BY_HOP;
		if (i == 2)
			shape.extensions = (struct octets)OCTETS(TCP, 0, 0xc2, 4, 0, 1, 0x8f, 0xd8);
		struct made *made = make_packet(&shape);
		memcpy(bytes, made->bytes, made->len);
		put16(bytes + (shape.ipv6 ? 4 : 2), 0);
		packet_t packet = {.bytes = guarded_copy(bytes, BIG), .len = BIG};
		check(segment_read(&packet, 0, shape.ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4,
				   &segment) &&
			      segment.len == BIG - made->payload && segment.offset == made->payload,
		      "case %u: %u bytes of payload at %u, expected %u", i, segment.len,
		      segment.offset, BIG - made->payload);
	}
}

int main(void)
{
	tags_are_passed_over();
	a_length_that_is_an_ethertype_is_no_tag();
	extension_headers_are_passed_over();
	lengths_of_extension_headers_are_bounded_by_the_packet();
	super_packets_are_read_whole();
	return checks_end("segment_layers");
}
