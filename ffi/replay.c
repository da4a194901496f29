// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_native.h"
#include "link_layer.h"
#include "player.h"

enum {
	PATH_BYTES = 4096,
};

struct reader {
	struct outlet outlet;
	struct player player;
	const struct counters *counters; /* found before the thread runs: maps are for one thread */
	char name[PATH_BYTES];		 /* of the file, for messages */
};

/* The HTTP programs exist once in a process. */
static bool in_use;

static int open_input(const char *path)
{
	bool is_stdin = !strcmp(path, "-");

	return is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
			: open(path, O_RDONLY | O_CLOEXEC);
}

/*
 * Looks at the beginning of a file, so that what is no capture is refused at once. A pipe may have nothing to look at yet.
 * Returns false when the file cannot be used.
 */
static bool looks_readable(struct capture_file *file)
{
	enum capture_result result = capture_file_begin(file);

	return result == CAPTURE_PACKET || result == CAPTURE_WAIT;
}

static bool open_file(struct reader *reader, const char *path, char *error, uint32_t error_size)
{
	int fd;

	snprintf(reader->name, sizeof(reader->name), "%s",
		 strcmp(path, "-") ? path : "standard input");
	if (!strcmp(path, "-") && isatty(STDIN_FILENO)) {
		snprintf(error, error_size,
			 "standard input is a terminal; pipe a capture into it, or name a file");
		return false;
	}
	fd = open_input(path);
	if (fd < 0) {
		snprintf(error, error_size, "cannot open %s: %s", reader->name, strerror(errno));
		return false;
	}
	reader->player.file = capture_file_open(fd, reader->name);
	if (!reader->player.file) {
		close(fd);
		snprintf(error, error_size, "out of memory");
		return false;
	}
	if (looks_readable(reader->player.file))
		return true;
	snprintf(error, error_size, "%s", capture_file_fault(reader->player.file));
	return false;
}

static void open_programs(struct reader *reader, const struct reader_options *options)
{
	struct http_native_options native = {
		.connections_max = options->connections_max,
		.idle_timeout_ns = options->idle_timeout_millis * 1000000ull,
		.capture_query = options->capture_query,
		.path_max = options->path_max,
	};

	http_native_open(&native, player_on_batch, &reader->player);
	reader->counters = http_native_counters();
	reader->player.idle_timeout_ns = native.idle_timeout_ns;
	reader->player.connections_max = native.connections_max;
}

struct reader *replay_open(const char *path, const struct reader_options *options,
			   const struct replay_options *replay, char *error, uint32_t error_size)
{
	struct reader *reader;
	int err;

	if (__atomic_exchange_n(&in_use, true, __ATOMIC_ACQ_REL)) {
		snprintf(error, error_size, "cannot replay %s: another replay is open", path);
		return NULL;
	}
	reader = aligned_alloc(64, (sizeof(*reader) + 63) / 64 * 64);
	if (!reader) {
		snprintf(error, error_size, "out of memory");
		__atomic_store_n(&in_use, false, __ATOMIC_RELEASE);
		return NULL;
	}
	memset(reader, 0, sizeof(*reader));
	reader->player.out = &reader->outlet;
	reader->player.options = *replay;
	err = outlet_init(&reader->outlet, options->shared_ring_bytes, http_native_batch_max());
	if (err)
		snprintf(error, error_size, "cannot make the ring: %s", strerror(-err));
	if (!err && open_file(reader, path, error, error_size)) {
		open_programs(reader, options);
		return reader;
	}
	reader_close(reader);
	return NULL;
}

int reader_start(struct reader *reader, char *error, uint32_t error_size)
{
	int err = player_start(&reader->player);

	if (err)
		snprintf(error, error_size, "cannot start the reader's thread: %s", strerror(-err));
	return err;
}

void replay_play(struct reader *reader)
{
	__atomic_store_n(&reader->player.may_play, 1, __ATOMIC_RELEASE);
	outlet_poke(&reader->outlet);
}

struct replay_status *replay_status(struct reader *reader)
{
	return &reader->player.status;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	if (reader->player.running)
		outlet_abandon(&reader->outlet);
	player_join(&reader->player);
	http_native_close();
	if (reader->player.file)
		capture_file_close(reader->player.file);
	outlet_free(&reader->outlet);
	free(reader);
	__atomic_store_n(&in_use, false, __ATOMIC_RELEASE);
}

int reader_cpus(struct reader *reader)
{
	(void)reader;
	return 1;
}

void *reader_counters(struct reader *reader, const char *stream)
{
	return strcmp(stream, "http") ? NULL : (void *)reader->counters;
}

int reader_pause(struct reader *reader, const char *stream, uint32_t paused)
{
	if (strcmp(stream, "http"))
		return -ENOENT;
	__atomic_store_n(&reader->player.held, paused, __ATOMIC_RELEASE);
	outlet_poke(&reader->outlet);
	return 0;
}
