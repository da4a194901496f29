// SPDX-License-Identifier: Apache-2.0
/* draft-ietf-opsawg-pcap */
#include "capture_input.h"

enum {
	HEADER = 24,
	RECORD = 16,
};

static const uint64_t BILLION = 1000000000;

enum capture_result pcap_begin(struct capture_file *file, bool nanos)
{
	enum capture_result result = capture_fill_rest(file, HEADER, "the file's header");
	struct interface interface = {.resolution = nanos ? 9 : 6};

	if (result != CAPTURE_PACKET)
		return result;
	const uint8_t *header = file->buffer + file->start;
	uint16_t version = capture_read16(file, header + 4);
	if (version != 2)
		return capture_fault(file, "a pcap file of version %u; expected 2", version);
	interface.link_type = capture_read32(file, header + 20) & 0xffff;
	file->format = FORMAT_PCAP;
	result = capture_add_interface(file, &interface);
	if (result == CAPTURE_PACKET)
		capture_use(file, HEADER);
	return result;
}

enum capture_result pcap_next(struct capture_file *file, struct captured_packet *packet)
{
	const struct interface *interface = &file->interfaces[0];
	enum capture_result result = capture_fill(file, 1);

	if (result != CAPTURE_PACKET)
		return result;
	result = capture_fill_rest(file, RECORD, "a packet");
	if (result != CAPTURE_PACKET)
		return result;
	uint32_t captured = capture_read32(file, file->buffer + file->start + 8);
	if (captured > CAPTURE_RECORD_MAX)
		return capture_too_large(file, captured);
	result = capture_fill_rest(file, RECORD + captured, "a packet");
	if (result != CAPTURE_PACKET)
		return result;
	const uint8_t *record = file->buffer + file->start;
	*packet = (struct captured_packet){
		.captured = captured,
		.length = capture_read32(file, record + 12),
		.link_type = interface->link_type,
		/* Not by to_ns(): the fraction may be out of its range. */
		.time_ns = capture_read32(file, record) * BILLION +
			   capture_read32(file, record + 4) *
				   (interface->resolution == 9 ? 1ull : 1000ull),
	};
	return capture_hand_out(file, packet, RECORD, RECORD + captured);
}
