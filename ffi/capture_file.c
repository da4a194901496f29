// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_input.h"

enum {
	BUFFER_BYTES = 256 * 1024,
};

static const uint32_t PCAP_MICROS = 0xa1b2c3d4, PCAP_NANOS = 0xa1b23c4d, PCAPNG = 0x0a0d0d0a;

struct capture_file *capture_file_open(int fd, const char *name)
{
	struct capture_file *file = calloc(1, sizeof(*file));
	struct stat about;

	if (!file)
		return NULL;
	file->fd = fd;
	file->name = name;
	file->regular = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
	file->room = BUFFER_BYTES;
	file->buffer = malloc(file->room);
	if (file->buffer)
		return file;
	free(file);
	return NULL;
}

void capture_file_close(struct capture_file *file)
{
	close(file->fd);
	free(file->buffer);
	free(file->interfaces);
	free(file);
}

int capture_file_fd(const struct capture_file *file)
{
	return file->fd;
}

const char *capture_file_fault(const struct capture_file *file)
{
	return file->fault;
}

uint64_t capture_file_position(const struct capture_file *file)
{
	return file->position;
}

bool capture_file_rewind(struct capture_file *file)
{
	if (!file->regular || lseek(file->fd, 0, SEEK_SET) < 0)
		return false;
	file->format = FORMAT_UNKNOWN;
	file->interface_count = 0;
	file->start = file->end = 0;
	file->position = file->skip = file->last_ns = 0;
	file->fault[0] = 0;
	return true;
}

/* What a file is, that somebody may take for a capture. */
static const char *known_as(const uint8_t *bytes)
{
	static const struct {
		const char *magic, *advice;
	} KNOWN[] = {
		{"\x1f\x8b", "; it is compressed: gunzip -c FILE | kernelcast replay -"},
		{"\x28\xb5\x2f\xfd", "; it is compressed: zstd -dc FILE | kernelcast replay -"},
		{"\xfd"
		 "7zX",
		 "; it is compressed: xz -dc FILE | kernelcast replay -"},
		{"\x34\xcd\xb2\xa1",
		 "; this pcap variant is not read: convert it with editcap -F pcapng"},
		{"\xa1\xb2\xcd\x34",
		 "; this pcap variant is not read: convert it with editcap -F pcapng"},
	};

	for (size_t i = 0; i < sizeof(KNOWN) / sizeof(*KNOWN); i++)
		if (!memcmp(bytes, KNOWN[i].magic, strlen(KNOWN[i].magic)))
			return KNOWN[i].advice;
	return "";
}

enum capture_result capture_file_begin(struct capture_file *file)
{
	enum capture_result result;
	const uint8_t *bytes;
	uint32_t magic;

	if (file->format != FORMAT_UNKNOWN)
		return CAPTURE_PACKET;
	result = capture_fill(file, sizeof(magic));
	if (result == CAPTURE_END)
		return capture_fault(file, "expected a pcap or pcapng file, found %zu bytes",
				     file->end - file->start);
	if (result != CAPTURE_PACKET)
		return result;
	bytes = file->buffer + file->start;
	memcpy(&magic, bytes, sizeof(magic));
	file->swapped =
		magic == __builtin_bswap32(PCAP_MICROS) || magic == __builtin_bswap32(PCAP_NANOS);
	if (file->swapped)
		magic = __builtin_bswap32(magic);
	if (magic == PCAP_MICROS || magic == PCAP_NANOS)
		return pcap_begin(file, magic == PCAP_NANOS);
	if (magic == PCAPNG) {
		file->format = FORMAT_PCAPNG;
		return CAPTURE_PACKET;
	}
	return capture_fault(
		file,
		"expected a pcap or pcapng file, found one that begins with %02x %02x %02x %02x%s",
		bytes[0], bytes[1], bytes[2], bytes[3], known_as(bytes));
}

enum capture_result capture_file_next(struct capture_file *file, struct captured_packet *packet)
{
	enum capture_result result = capture_file_begin(file);

	if (result != CAPTURE_PACKET)
		return result;
	/* What was being passed over when a pipe ran dry. */
	result = capture_pass(file);
	if (result != CAPTURE_PACKET)
		return result;
	return file->format == FORMAT_PCAP ? pcap_next(file, packet) : pcapng_next(file, packet);
}
