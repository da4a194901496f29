/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets from a capture file or pipe: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), of either
 * byte order. Own code, since libpcap reads no pcapng file whose interfaces differ in their link type, and because a file
 * that is cut short is replayed up to the cut. Memory is that of one packet, whatever the file says.
 */
#ifndef KERNELCAST_CAPTURE_FILE_H
#define KERNELCAST_CAPTURE_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct capture_file;

struct captured_packet {
	const uint8_t *bytes; /* valid until the next call */
	uint32_t captured;    /* bytes there are */
	uint32_t length;      /* bytes it had on the wire; more than captured when it was cut */
	uint32_t link_type;   /* LINKTYPE_*, https://www.tcpdump.org/linktypes.html */
	uint64_t time_ns;     /* since the Unix epoch */
};

enum capture_result {
	CAPTURE_PACKET,
	CAPTURE_END, /* of the file; capture_file_fault() says if it came in the middle of something */
	CAPTURE_WAIT, /* a pipe has nothing to read now; capture_file_fd() is to be polled */
	CAPTURE_FAULT /* what follows cannot be read; capture_file_fault() says why */
};

/* Takes over fd. name is for messages, and must outlive the file. NULL: out of memory. */
struct capture_file *capture_file_open(int fd, const char *name);
void capture_file_close(struct capture_file *file);

/* Reads ahead until it is known that this is a capture file: CAPTURE_PACKET when it is one, else as capture_file_next(). */
enum capture_result capture_file_begin(struct capture_file *file);

enum capture_result capture_file_next(struct capture_file *file, struct captured_packet *packet);

/* Goes back to the first packet. False where that cannot be done: a pipe. */
bool capture_file_rewind(struct capture_file *file);

int capture_file_fd(const struct capture_file *file);

/* One line: the file, where, what was expected and what was found. Empty when nothing was wrong. */
const char *capture_file_fault(const struct capture_file *file);

/* Bytes read so far, of the packets handed out and what lay between. */
uint64_t capture_file_position(const struct capture_file *file);

#endif
