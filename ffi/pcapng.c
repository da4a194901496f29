// SPDX-License-Identifier: Apache-2.0
/* draft-ietf-opsawg-pcapng */
#include <string.h>

#include "capture_input.h"

enum {
	BLOCK_HEADER = 8,
	BLOCK_MIN = 12, /* type, length, and the length again behind the body */
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET_OLD = 2,
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_PACKET = 6,
	OPTION_END = 0,
	OPTION_TSRESOL = 9,
	OPTION_TSOFFSET = 14,
};

static const uint32_t BYTE_ORDER_MAGIC = 0x1a2b3c4d;
static const uint64_t BILLION = 1000000000;

/* Seconds from second `offset_s` on, as nanoseconds; what does not fit is as far as it goes. */
static uint64_t to_ns(const struct interface *interface, uint64_t ticks)
{
	uint64_t per_second = interface->binary ? 1ull << interface->resolution : 1;

	if (!interface->binary)
		for (int i = 0; i < interface->resolution; i++)
			per_second *= 10;
	__int128 ns = (__int128)(ticks % per_second) * BILLION / per_second;
	ns += ((__int128)(ticks / per_second) + interface->offset_s) * BILLION;
	if (ns < 0)
		return 0;
	return ns > INT64_MAX ? INT64_MAX : ns;
}

static enum capture_result bad_block(struct capture_file *file, const char *expected,
				     uint32_t found)
{
	return capture_fault(file, "expected %s in the block at byte %llu, found %u", expected,
			     (unsigned long long)file->position, found);
}

/* A new section: its byte order, and interfaces anew. */
static enum capture_result read_section(struct capture_file *file)
{
	enum capture_result result = capture_fill_rest(file, BLOCK_HEADER + 8, "a section header");
	uint32_t magic, size;

	if (result != CAPTURE_PACKET)
		return result;
	const uint8_t *block = file->buffer + file->start;
	memcpy(&magic, block + BLOCK_HEADER, sizeof(magic));
	if (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC))
		return capture_fault(
			file,
			"expected the byte order 1a2b3c4d in the section at byte %llu, found %08x",
			(unsigned long long)file->position, magic);
	file->swapped = magic != BYTE_ORDER_MAGIC;
	uint16_t version = capture_read16(file, block + BLOCK_HEADER + 4);
	if (version != 1)
		return bad_block(file, "pcapng version 1", version);
	size = capture_read32(file, block + 4);
	if (size < 28 || size % 4)
		return bad_block(file, "a length of at least 28 bytes", size);
	file->interface_count = 0;
	file->skip = size;
	return CAPTURE_PACKET;
}

static void read_option(const struct capture_file *file, struct interface *interface, uint16_t code,
			const uint8_t *value, uint16_t len)
{
	if (code == OPTION_TSRESOL && len == 1) {
		interface->binary = value[0] & 0x80;
		interface->resolution = value[0] & 0x7f;
	} else if (code == OPTION_TSOFFSET && len == 8) {
		uint64_t low = capture_read32(file, value + (file->swapped ? 4 : 0));
		uint64_t high = capture_read32(file, value + (file->swapped ? 0 : 4));

		interface->offset_s = high << 32 | low;
	}
}

static enum capture_result read_interface(struct capture_file *file, uint32_t size)
{
	enum capture_result result;
	struct interface interface = {.resolution = 6};

	if (size < BLOCK_MIN + 8 || size > CAPTURE_RECORD_MAX)
		return bad_block(file, "an interface of 20 bytes to 4 MiB", size);
	result = capture_fill_rest(file, size, "an interface");
	if (result != CAPTURE_PACKET)
		return result;
	const uint8_t *block = file->buffer + file->start;
	interface.link_type = capture_read16(file, block + 8);
	interface.snap_len = capture_read32(file, block + 12);
	for (uint32_t at = 16, end = size - 4; at + 4 <= end;) {
		uint16_t code = capture_read16(file, block + at),
			 len = capture_read16(file, block + at + 2);

		at += 4;
		if (code == OPTION_END || len > end - at)
			break;
		read_option(file, &interface, code, block + at, len);
		at += (len + 3) & ~3u;
	}
	/* Finer than 64 bits can count in a second. */
	if (interface.resolution > (interface.binary ? 63 : 19))
		return bad_block(file, "a time resolution of at most 2^-63 or 10^-19",
				 interface.resolution);
	file->skip = size;
	return capture_add_interface(file, &interface);
}

/* Where the blocks that hold a packet have what. */
struct packet_layout {
	uint8_t interface; /* of which interface; 0: of the first */
	bool narrow;	   /* that number has two bytes, not four */
	uint8_t time;	   /* high half, then low; 0: none */
	uint8_t captured;  /* 0: as much as the interface keeps */
	uint8_t length;
	uint8_t data;
};

static const struct packet_layout PACKET = {8, false, 12, 20, 24, 28},
				  PACKET_OLD = {8, true, 12, 20, 24, 28},
				  SIMPLE_PACKET = {0, false, 0, 0, 8, 12};

static enum capture_result read_packet(struct capture_file *file, uint32_t size,
				       const struct packet_layout *layout,
				       struct captured_packet *packet)
{
	enum capture_result result;
	uint32_t number = 0, captured, room = size - 4 - layout->data;

	if (size > CAPTURE_RECORD_MAX)
		return capture_too_large(file, size);
	if (size < layout->data + 4u)
		return bad_block(file, "the head of a packet", size);
	result = capture_fill_rest(file, size, "a packet");
	if (result != CAPTURE_PACKET)
		return result;
	const uint8_t *block = file->buffer + file->start;
	if (layout->interface)
		number = layout->narrow ? capture_read16(file, block + layout->interface)
					: capture_read32(file, block + layout->interface);
	if (number >= file->interface_count)
		return bad_block(file, "the number of an interface that was described before",
				 number);
	const struct interface *interface = &file->interfaces[number];
	uint32_t length = capture_read32(file, block + layout->length);
	if (layout->captured)
		captured = capture_read32(file, block + layout->captured);
	else
		captured = interface->snap_len && interface->snap_len < length ? interface->snap_len
									       : length;
	if (captured > room)
		return bad_block(file, "no more packet bytes than the block has", captured);
	*packet = (struct captured_packet){.captured = captured,
					   .length = length,
					   .link_type = interface->link_type};
	/* A packet without a time came when the one before it did. */
	packet->time_ns = file->last_ns;
	if (layout->time)
		packet->time_ns = to_ns(interface,
					(uint64_t)capture_read32(file, block + layout->time) << 32 |
						capture_read32(file, block + layout->time + 4));
	return capture_hand_out(file, packet, layout->data, size);
}

enum capture_result pcapng_next(struct capture_file *file, struct captured_packet *packet)
{
	for (;;) {
		enum capture_result result = capture_fill(file, 1);

		if (result != CAPTURE_PACKET)
			return result;
		result = capture_fill_rest(file, BLOCK_HEADER, "a block");
		if (result != CAPTURE_PACKET)
			return result;
		const uint8_t *block = file->buffer + file->start;
		uint32_t type = capture_read32(file, block), size = capture_read32(file, block + 4);
		const struct packet_layout *layout = type == BLOCK_PACKET	   ? &PACKET
						     : type == BLOCK_PACKET_OLD	   ? &PACKET_OLD
						     : type == BLOCK_SIMPLE_PACKET ? &SIMPLE_PACKET
										   : NULL;

		/* The same in both byte orders; the length's is only known from what follows. */
		if (type == BLOCK_SECTION)
			result = read_section(file);
		else if (size < BLOCK_MIN || size % 4)
			return bad_block(file, "a length that is a multiple of 4, at least 12",
					 size);
		else if (layout)
			return read_packet(file, size, layout, packet);
		else if (type == BLOCK_INTERFACE)
			result = read_interface(file, size);
		else
			file->skip = size;
		if (result != CAPTURE_PACKET)
			return result;
		result = capture_pass(file);
		if (result != CAPTURE_PACKET)
			return result;
	}
}
