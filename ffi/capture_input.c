// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture_input.h"

enum {
	INTERFACES_MAX = 4096,
};

enum capture_result capture_fault(struct capture_file *file, const char *format, ...)
{
	va_list args;
	int len = snprintf(file->fault, sizeof(file->fault), "%s: ", file->name);

	if (len < 0 || len >= CAPTURE_FAULT_BYTES)
		return CAPTURE_FAULT;
	va_start(args, format);
	vsnprintf(file->fault + len, sizeof(file->fault) - len, format, args);
	va_end(args);
	return CAPTURE_FAULT;
}

/* Makes room for `bytes` behind start. False when there is no memory for it. */
static bool make_room(struct capture_file *file, size_t bytes)
{
	uint8_t *larger;

	if (file->start + bytes <= file->room)
		return true;
	memmove(file->buffer, file->buffer + file->start, file->end - file->start);
	file->end -= file->start;
	file->start = 0;
	if (bytes <= file->room)
		return true;
	larger = realloc(file->buffer, bytes);
	if (!larger)
		return false;
	file->buffer = larger;
	file->room = bytes;
	return true;
}

enum capture_result capture_fill(struct capture_file *file, size_t bytes)
{
	struct pollfd readable = {.fd = file->fd, .events = POLLIN};

	if (file->end - file->start >= bytes)
		return CAPTURE_PACKET;
	if (!make_room(file, bytes))
		return capture_fault(file, "no memory for a packet of %zu bytes", bytes);
	while (file->end - file->start < bytes) {
		if (!file->regular && poll(&readable, 1, 0) == 0)
			return CAPTURE_WAIT;
		ssize_t got = read(file->fd, file->buffer + file->end, file->room - file->end);
		if (got == 0)
			return CAPTURE_END;
		if (got > 0)
			file->end += got;
		else if (errno == EAGAIN)
			return CAPTURE_WAIT;
		else if (errno != EINTR)
			return capture_fault(file, "cannot be read: %s", strerror(errno));
	}
	return CAPTURE_PACKET;
}

void capture_use(struct capture_file *file, size_t bytes)
{
	file->start += bytes;
	file->position += bytes;
}

enum capture_result capture_pass(struct capture_file *file)
{
	while (file->skip) {
		enum capture_result result = capture_fill(file, 1);
		size_t there = file->end - file->start;

		if (result == CAPTURE_END)
			capture_fault(file, "ends %llu bytes before the end of a block",
				      (unsigned long long)file->skip);
		if (result != CAPTURE_PACKET)
			return result;
		if (there > file->skip)
			there = file->skip;
		capture_use(file, there);
		file->skip -= there;
	}
	return CAPTURE_PACKET;
}

/* The end of the file inside of something: no reason not to use what came before. */
static enum capture_result cut_short(struct capture_file *file, const char *what)
{
	capture_fault(file, "ends in the middle of %s that begins at byte %llu", what,
		      (unsigned long long)file->position);
	return CAPTURE_END;
}

enum capture_result capture_fill_rest(struct capture_file *file, size_t bytes, const char *what)
{
	enum capture_result result = capture_fill(file, bytes);

	return result == CAPTURE_END ? cut_short(file, what) : result;
}

uint16_t capture_read16(const struct capture_file *file, const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return file->swapped ? __builtin_bswap16(v) : v;
}

uint32_t capture_read32(const struct capture_file *file, const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return file->swapped ? __builtin_bswap32(v) : v;
}

enum capture_result capture_add_interface(struct capture_file *file,
					  const struct interface *interface)
{
	if (file->interface_count == INTERFACES_MAX)
		return capture_fault(file, "more than %d interfaces at byte %llu", INTERFACES_MAX,
				     (unsigned long long)file->position);
	if (file->interface_count == file->interface_room) {
		uint32_t room = file->interface_room ? 2 * file->interface_room : 4;
		struct interface *larger = realloc(file->interfaces, room * sizeof(*larger));

		if (!larger)
			return capture_fault(file, "no memory for %u interfaces", room);
		file->interfaces = larger;
		file->interface_room = room;
	}
	file->interfaces[file->interface_count++] = *interface;
	return CAPTURE_PACKET;
}

enum capture_result capture_too_large(struct capture_file *file, uint32_t bytes)
{
	return capture_fault(file,
			     "expected a packet of at most %d bytes at byte %llu, found one of %u",
			     CAPTURE_RECORD_MAX, (unsigned long long)file->position, bytes);
}

enum capture_result capture_hand_out(struct capture_file *file, struct captured_packet *packet,
				     size_t at, size_t whole)
{
	packet->bytes = file->buffer + file->start + at;
	file->last_ns = packet->time_ns;
	capture_use(file, whole);
	return CAPTURE_PACKET;
}
