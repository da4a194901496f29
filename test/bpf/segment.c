// SPDX-License-Identifier: Apache-2.0
/* Packets of every shape and truncation through segment_read(). */
#include "../../bpf/segment.bpf.h"
#include "check.h"
#include "guarded.h"

struct made {
	__u8 bytes[512];
	__u32 len;
};

static const __u8 ipv4_source[4] = {10, 1, 2, 3}, ipv4_destination[4] = {192, 168, 0, 9};
static const __u8 ipv6_source[16] = {0x20, 1, 0xd, 0xb8, [15] = 7},
		  ipv6_destination[16] = {[15] = 1};

static void put16(__u8 *at, __u16 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put32(__u8 *at, __u32 value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

/* network: bytes before the IP header. Option lengths are multiples of 4. */
struct shape {
	bool ipv6;
	__u32 network, ip_options, tcp_options, payload, padding;
	__u8 flags;
	__u16 source_port, destination_port;
	__u32 seq, ack;
};

static struct made make_packet(struct shape shape)
{
	struct made made = {};
	__u32 header = shape.ipv6 ? IPV6_HEADER : IPV4_HEADER + shape.ip_options;
	__u32 tcp_len = TCP_HEADER + shape.tcp_options;
	__u8 *ip = made.bytes + shape.network, *tcp = ip + header;

	memset(made.bytes, 0xee, sizeof(made.bytes));
	memset(ip, 0, header + tcp_len);
	if (shape.ipv6) {
		ip[0] = 0x60;
		put16(ip + 4, tcp_len + shape.payload);
		ip[6] = IP_PROTOCOL_TCP;
		memcpy(ip + 8, ipv6_source, 16);
		memcpy(ip + 24, ipv6_destination, 16);
	} else {
		ip[0] = 0x40 | header / 4;
		put16(ip + 2, header + tcp_len + shape.payload);
		ip[9] = IP_PROTOCOL_TCP;
		memcpy(ip + 12, ipv4_source, 4);
		memcpy(ip + 16, ipv4_destination, 4);
	}
	put16(tcp, shape.source_port);
	put16(tcp + 2, shape.destination_port);
	put32(tcp + 4, shape.seq);
	put32(tcp + 8, shape.ack);
	tcp[12] = tcp_len / 4 << 4;
	tcp[13] = shape.flags;
	made.len = shape.network + header + tcp_len + shape.payload + shape.padding;
	return made;
}

static bool read_packet(const struct made *made, __u32 len, __u32 network, bool ipv6,
			struct segment *segment)
{
	packet_t packet = {.bytes = guarded_copy(made->bytes, len), .len = len};

	memset(segment, 0xaa, sizeof(*segment));
	return segment_read(&packet, network, ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4, segment);
}

static bool read_whole(const struct made *made, struct shape shape, struct segment *segment)
{
	return read_packet(made, made->len, shape.network, shape.ipv6, segment);
}

static const struct shape plain = {.payload = 33,
				   .flags = TCP_ACK,
				   .source_port = 51000,
				   .destination_port = 80,
				   .seq = 0xfffffff0,
				   .ack = 0x80000001};

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
		struct made made = make_packet(shape);
		__u32 headers = shape.network + (shape.ipv6 ? 40 : 20 + shape.ip_options) + 20 +
				shape.tcp_options;

		check(read_whole(&made, shape, &segment) && segment.len == 33 &&
			      segment.offset == headers && segment.seq == 0xfffffff0 &&
			      segment.ack == 0x80000001 && !segment.pos,
		      "shape %u: payload of %u bytes at %u, expected 33 at %u", i, segment.len,
		      segment.offset, headers);
	}
}

static void truncation_is_never_read_past(void)
{
	struct segment segment;

	for (__u32 kind = 0; kind < 4; kind++) {
		struct shape shape = plain;

		shape.ipv6 = kind & 1;
		shape.ip_options = shape.ipv6 ? 0 : 8;
		shape.tcp_options = 12;
		shape.flags |= kind & 2 ? TCP_FIN : 0;
		struct made made = make_packet(shape);
		__u32 headers = (shape.ipv6 ? 40 : 28) + 32;

		for (__u32 len = 0; len <= made.len; len++) {
			bool read = read_packet(&made, len, 0, shape.ipv6, &segment);
			/* FIN alone is enough to matter, once the fixed part of the TCP header is there. */
			bool expected = len > headers || (kind & 2 && len >= headers - 12);

			check(read == expected, "%u of %u bytes are%s read", len, made.len,
			      read ? "" : " not");
			if (read)
				check(segment.len == (len > headers ? len - headers : 0) &&
					      (!segment.len || segment.offset + segment.len <= len),
				      "%u bytes have a payload of %u at %u", len, segment.len,
				      segment.offset);
		}
	}
}

static void a_bare_ack_does_not_matter(void)
{
	static const __u8 matter[] = {TCP_SYN, TCP_FIN, TCP_RST, TCP_SYN | TCP_ACK,
				      TCP_FIN | TCP_ACK};
	struct shape shape = plain;
	struct segment segment;

	shape.payload = 0;
	struct made made = make_packet(shape);
	check(!read_whole(&made, shape, &segment), "a bare ACK is read");
	shape.padding = 6;
	made = make_packet(shape);
	check(!read_whole(&made, shape, &segment), "a bare ACK with the link's padding is read");
	for (__u32 i = 0; i < sizeof(matter); i++) {
		shape.flags = matter[i];
		made = make_packet(shape);
		check(read_whole(&made, shape, &segment) && segment.len == 0 &&
			      segment.flags == matter[i] &&
			      segment.seq == plain.seq + !!(matter[i] & TCP_SYN),
		      "flags %#x without payload are not read", matter[i]);
	}
}

static void fragments_and_other_protocols_are_left_alone(void)
{
	struct segment segment;
	struct made made = make_packet(plain);

	for (__u32 bits = 1; bits < 0x10000; bits <<= 1) {
		put16(made.bytes + 6, bits);
		bool whole = bits == 0x4000 || bits == 0x8000; /* don't-fragment, reserved */
		check(read_whole(&made, plain, &segment) == whole, "fragment bits %#x", bits);
	}
	put16(made.bytes + 6, 0x4000);
	for (__u32 protocol = 0; protocol < 256; protocol++) {
		made.bytes[9] = protocol;
		check(read_whole(&made, plain, &segment) == (protocol == IP_PROTOCOL_TCP),
		      "IP protocol %u", protocol);
	}
	made = make_packet(plain);
	packet_t packet = {.bytes = made.bytes, .len = made.len};
	check(!segment_read(&packet, 0, 0x0806, &segment), "ARP is read");

	struct shape six = plain;
	six.ipv6 = true;
	made = make_packet(six);
	for (__u32 next = 0; next < 256; next++) {
		made.bytes[6] = next;
		check(read_whole(&made, six, &segment) == (next == IP_PROTOCOL_TCP),
		      "IPv6 next header %u", next);
	}
}

static void lengths_that_lie_are_bounded_by_the_packet(void)
{
	static const __u16 lies[] = {0, 1, 19, 20, 39, 40, 41, 72, 73, 74, 1500, 0xffff};
	struct segment segment;

	for (__u32 ipv6 = 0; ipv6 < 2; ipv6++) {
		struct shape shape = plain;

		shape.ipv6 = ipv6;
		struct made made = make_packet(shape);
		for (__u32 i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
			put16(made.bytes + (ipv6 ? 4 : 2), lies[i]);
			if (!read_whole(&made, shape, &segment))
				continue;
			check(segment.offset + segment.len <= made.len,
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
		struct made made = make_packet(plain);

		made.bytes[0] = 0x40 | words;
		ip_refused &= !read_whole(&made, plain, &segment);
		made = make_packet(plain);
		made.bytes[20 + 12] = words << 4;
		tcp_refused &= !read_whole(&made, plain, &segment);
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
		struct made made = make_packet(shape);
		bool first = read_whole(&made, shape, &there);
		__u8 *ip = made.bytes, *tcp = ip + (shape.ipv6 ? 40 : 20);
		__u32 size = shape.ipv6 ? 16 : 4, from = shape.ipv6 ? 8 : 12;
		const __u8 *source = shape.ipv6 ? ipv6_source : ipv4_source;
		const __u8 *destination = shape.ipv6 ? ipv6_destination : ipv4_destination;

		memcpy(ip + from, destination, size);
		memcpy(ip + from + size, source, size);
		put16(tcp, shape.destination_port);
		put16(tcp + 2, shape.source_port);
		bool second = read_whole(&made, shape, &back);
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
	lengths_that_lie_are_bounded_by_the_packet();
	header_lengths_below_the_minimum_are_refused();
	both_directions_have_one_key();
	return checks_end("segment");
}
