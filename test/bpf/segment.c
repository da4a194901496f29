// SPDX-License-Identifier: Apache-2.0
/* Packets of every shape and truncation through segment_read(). Tags and extension headers: segment_layers.c. */
#include "packet.h"

static void every_shape_is_read(void)
{
	struct segment segment;

	for (__u32 i = 0; i < 2 * 2 * 11 * 11 * 3; i++) {
		struct shape shape = plain;

		shape.ipv6 = i % 2;
		shape.network = i / 2 % 2 * 14;
		shape.ip_options = shape.ipv6 ? 0 : i / 4 % 11 * 4;
		shape.tcp_options = i / 44 % 11 * 4;
		shape.padding = i / 484 % 3 * 9;
		struct made *made = make_packet(&shape);

		check(read_whole(made, &shape, &segment) && segment.len == 33 &&
			      segment.offset == made->payload && segment.seq == 0xfffffff0 &&
			      segment.ack == 0x80000001 && !segment.pos,
		      "shape %u: payload of %u bytes at %u, expected 33 at %u", i, segment.len,
		      segment.offset, made->payload);
	}
}

static void truncation_is_never_read_past(void)
{
	for (__u32 kind = 0; kind < 8; kind++) {
		struct shape shape = plain;

		shape.ipv6 = kind & 1;
		shape.ip_options = shape.ipv6 ? 0 : 8;
		shape.tcp_options = 12;
		shape.flags |= kind & 2 ? TCP_FIN : 0;
		shape.padding = kind & 4 ? 11 : 0;
		check_every_truncation(shape.ipv6 ? "IPv6" : "IPv4", make_packet(&shape), &shape);
	}
}

static void a_bare_ack_does_not_matter(void)
{
	static const __u8 matter[] = {TCP_SYN, TCP_FIN, TCP_RST, TCP_SYN | TCP_ACK,
				      TCP_FIN | TCP_ACK};
	struct shape shape = plain;
	struct segment segment;

	shape.payload = 0;
	check(!read_whole(make_packet(&shape), &shape, &segment), "a bare ACK is read");
	shape.padding = 6;
	check(!read_whole(make_packet(&shape), &shape, &segment),
	      "a bare ACK with the link's padding is read");
	for (__u32 i = 0; i < sizeof(matter); i++) {
		shape.flags = matter[i];
		check(read_whole(make_packet(&shape), &shape, &segment) && segment.len == 0 &&
			      segment.flags == matter[i] &&
			      segment.seq == plain.seq + !!(matter[i] & TCP_SYN),
		      "flags %#x without payload are not read", matter[i]);
	}
}

static void fragments_and_other_protocols_are_left_alone(void)
{
	struct segment segment;
	struct made *made = make_packet(&plain);
	struct shape other = plain;

	for (__u32 bits = 1; bits < 0x10000; bits <<= 1) {
		put16(made->bytes + 6, bits);
		bool whole = bits == 0x4000 || bits == 0x8000; /* don't-fragment, reserved */
		check(read_whole(made, &plain, &segment) == whole, "fragment bits %#x", bits);
	}
	put16(made->bytes + 6, 0x4000);
	for (__u32 protocol = 0; protocol < 256; protocol++) {
		made->bytes[9] = protocol;
		check(read_whole(made, &plain, &segment) == (protocol == IP_PROTOCOL_TCP),
		      "IP protocol %u", protocol);
	}
	other.ethertype = 0x0806;
	check(!read_whole(make_packet(&plain), &other, &segment), "ARP is read");

	other = plain;
	other.ipv6 = true;
	/* Read as an extension header, the TCP header that follows leads to protocol 199, of its source port. */
	made = make_packet(&other);
	for (__u32 next = 0; next < 256; next++) {
		made->bytes[6] = next;
		check(read_whole(made, &other, &segment) == (next == IP_PROTOCOL_TCP),
		      "IPv6 next header %u", next);
	}
}

/* A device without a link layer is told the ethertype by whoever wrote the packet to it. */
static void a_version_that_is_not_the_ethertypes_is_refused(void)
{
	struct segment segment;

	for (__u32 version = 0; version < 16; version++) {
		struct shape six = plain;
		struct made *made = make_packet(&plain);

		made->bytes[0] = version << 4 | 5;
		check(read_whole(made, &plain, &segment) == (version == 4), "IPv4 of version %u",
		      version);
		six.ipv6 = true;
		made = make_packet(&six);
		made->bytes[0] = version << 4;
		check(read_whole(made, &six, &segment) == (version == 6), "IPv6 of version %u",
		      version);
	}
}

static void lengths_that_lie_are_bounded_by_the_packet(void)
{
	static const __u16 lies[] = {0, 1, 19, 20, 39, 40, 41, 72, 73, 74, 1500, 0xffff};
	struct segment segment;

	for (__u32 ipv6 = 0; ipv6 < 2; ipv6++) {
		struct shape shape = plain;

		shape.ipv6 = ipv6;
		struct made *made = make_packet(&shape);
		for (__u32 i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
			put16(made->bytes + (ipv6 ? 4 : 2), lies[i]);
			if (!read_whole(made, &shape, &segment))
				continue;
			check(segment.offset + segment.len <= made->len,
			      "length %u reaches beyond the packet", lies[i]);
			/* Zero: a super-packet whose length does not fit 16 bits. */
			if (!lies[i] || lies[i] >= 73)
				check(segment.len == 33, "length %u: payload %u", lies[i],
				      segment.len);
		}
	}
}

/* What a shorter one would make of the packet is no TCP segment. */
static void header_lengths_below_the_minimum_are_refused(void)
{
	struct segment segment;
	bool ip_refused = true, tcp_refused = true;

	for (__u32 words = 0; words < 5; words++) {
		struct made *made = make_packet(&plain);

		made->bytes[0] = 0x40 | words;
		ip_refused &= !read_whole(made, &plain, &segment);
		made = make_packet(&plain);
		made->bytes[20 + 12] = words << 4;
		tcp_refused &= !read_whole(made, &plain, &segment);
	}
	check(ip_refused, "segment_read() takes an IPv4 header length below 5 words");
	check(tcp_refused, "segment_read() takes a TCP data offset below 5 words");
}

static void both_directions_have_one_key(void)
{
	static const __u16 ports[][2] = {
		{51000, 80}, {80, 51000}, {80, 80}, {0xffff, 1}, {1, 0xffff}};

	for (__u32 i = 0; i < 2 * sizeof(ports) / sizeof(*ports); i++) {
		struct segment there, back;
		struct shape shape = plain;

		shape.ipv6 = i & 1;
		shape.source_port = ports[i / 2][0];
		shape.destination_port = ports[i / 2][1];
		struct made *made = make_packet(&shape);
		bool first = read_whole(made, &shape, &there);
		__u8 *ip = made->bytes, *tcp = ip + made->tcp;
		__u32 size = shape.ipv6 ? 16 : 4, from = shape.ipv6 ? 8 : 12;
		const __u8 *source = shape.ipv6 ? ipv6_source : ipv4_source;
		const __u8 *destination = shape.ipv6 ? ipv6_destination : ipv4_destination;

		memcpy(ip + from, destination, size);
		memcpy(ip + from + size, source, size);
		put16(tcp, shape.destination_port);
		put16(tcp + 2, shape.source_port);
		bool second = read_whole(made, &shape, &back);
		check(first && second && !memcmp(&there.key, &back.key, sizeof(there.key)) &&
			      there.from != back.from,
		      "ports %u and %u: the directions differ in their key", shape.source_port,
		      shape.destination_port);

		const __u8 *sender = there.key.address[there.from];
		const __u8 mapped[16] = {[10] = 0xff, [11] = 0xff, 10, 1, 2, 3};
		check(!memcmp(sender, shape.ipv6 ? ipv6_source : mapped, 16) &&
			      there.key.port[there.from] == shape.source_port,
		      "the sender's endpoint is not where `from` says");
	}
}

int main(void)
{
	every_shape_is_read();
	truncation_is_never_read_past();
	a_bare_ack_does_not_matter();
	fragments_and_other_protocols_are_left_alone();
	a_version_that_is_not_the_ethertypes_is_refused();
	lengths_that_lie_are_bounded_by_the_packet();
	header_lengths_below_the_minimum_are_refused();
	both_directions_have_one_key();
	return checks_end("segment");
}
