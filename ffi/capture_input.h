/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of the two formats share: bytes from the file, and what is known of it. */
#ifndef KERNELCAST_CAPTURE_INPUT_H
#define KERNELCAST_CAPTURE_INPUT_H

#include <stddef.h>

#include "capture_file.h"

enum {
	CAPTURE_FAULT_BYTES = 512,
	/* Of one packet, with its header. The largest that Linux makes are super-packets of 512 KiB (BIG TCP). */
	CAPTURE_RECORD_MAX = 4 * 1024 * 1024,
};

/* Of a pcapng section, or the only one of a pcap file. */
struct interface {
	uint32_t link_type;
	uint32_t snap_len; /* 0: no limit */
	bool binary;	   /* a tick is 2^-resolution seconds, else 10^-resolution */
	uint8_t resolution;
	int64_t offset_s;
};

enum capture_format {
	FORMAT_UNKNOWN,
	FORMAT_PCAP,
	FORMAT_PCAPNG,
};

struct capture_file {
	int fd;
	bool regular;
	bool swapped; /* its byte order is not ours */
	const char *name;
	enum capture_format format;
	struct interface *interfaces;
	uint32_t interface_count, interface_room;
	uint64_t last_ns; /* of the latest packet */
	uint8_t *buffer;  /* bytes [start, end) are read and not used */
	size_t start, end, room;
	uint64_t position; /* in the file, of start */
	uint64_t skip;	   /* bytes from there on that nobody wants */
	char fault[CAPTURE_FAULT_BYTES];
};

/* Says what is wrong, once; returns CAPTURE_FAULT. */
__attribute__((format(printf, 2, 3))) enum capture_result capture_fault(struct capture_file *file,
									const char *format, ...);
enum capture_result capture_too_large(struct capture_file *file, uint32_t bytes);

/* Reads on until `bytes` lie behind start: CAPTURE_PACKET when they do. Whoever meets the end says what it means. */
enum capture_result capture_fill(struct capture_file *file, size_t bytes);

/* As capture_fill(), for the rest of what has begun at start: the end then is a fault, too. */
enum capture_result capture_fill_rest(struct capture_file *file, size_t bytes, const char *what);

void capture_use(struct capture_file *file, size_t bytes);

/* Passes over `skip` bytes, however many the file says they are. */
enum capture_result capture_pass(struct capture_file *file);

uint16_t capture_read16(const struct capture_file *file, const uint8_t *at);
uint32_t capture_read32(const struct capture_file *file, const uint8_t *at);

enum capture_result capture_add_interface(struct capture_file *file,
					  const struct interface *interface);

/* Completes a packet whose bytes lie `at` behind start, and uses up `whole` bytes. */
enum capture_result capture_hand_out(struct capture_file *file, struct captured_packet *packet,
				     size_t at, size_t whole);

enum capture_result pcap_begin(struct capture_file *file, bool nanos);
enum capture_result pcap_next(struct capture_file *file, struct captured_packet *packet);
enum capture_result pcapng_next(struct capture_file *file, struct captured_packet *packet);

#endif
