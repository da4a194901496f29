// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "outlet.h"

int outlet_init(struct outlet *outlet, uint32_t ring_bytes, uint32_t largest)
{
	int pair[2], err = shared_ring_init(&outlet->ring, ring_bytes, largest);

	outlet->command_fd = outlet->wake_fd = outlet->reader_fd = -1;
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	outlet->wake_fd = pair[0];
	outlet->reader_fd = pair[1];
	outlet->armed = 1;
	outlet->command_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return outlet->command_fd < 0 ? -errno : 0;
}

static void close_fd(int *fd)
{
	if (*fd > 0)
		close(*fd);
	*fd = -1;
}

void outlet_free(struct outlet *outlet)
{
	shared_ring_free(&outlet->ring);
	close_fd(&outlet->command_fd);
	close_fd(&outlet->wake_fd);
	close_fd(&outlet->reader_fd);
}

bool outlet_is_set(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

void outlet_poke(struct outlet *outlet)
{
	uint64_t one = 1;

	/* Fails only when the counter is at its limit, and then the writer is awake already. */
	if (write(outlet->command_fd, &one, sizeof(one)) < 0)
		return;
}

void outlet_take_pokes(struct outlet *outlet)
{
	uint64_t count;

	if (read(outlet->command_fd, &count, sizeof(count)) < 0)
		return;
}

void outlet_abandon(struct outlet *outlet)
{
	__atomic_store_n(&outlet->abandon, 1, __ATOMIC_RELEASE);
	outlet_poke(outlet);
}

void outlet_publish(struct outlet *outlet)
{
	if (outlet->ring.head == outlet->ring.written)
		return;
	shared_ring_publish(&outlet->ring);
	if (!__atomic_exchange_n(&outlet->armed, 0, __ATOMIC_ACQ_REL))
		return;
	outlet->stats.wakes++;
	/* A full or closed socket: a byte is there already, or nobody listens any more. */
	if (send(outlet->wake_fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

bool outlet_wait_for_room(struct outlet *outlet, void (*sleep)(void *context, int timeout_millis),
			  void *context)
{
	while (!shared_ring_has_room(&outlet->ring)) {
		if (outlet_is_set(&outlet->abandon))
			return false;
		__atomic_store_n(&outlet->waiting_for_room, 1, __ATOMIC_SEQ_CST);
		outlet_publish(outlet);
		if (shared_ring_has_room(&outlet->ring))
			break;
		outlet->stats.ring_full++;
		sleep(context, 100);
	}
	__atomic_store_n(&outlet->waiting_for_room, 0, __ATOMIC_RELEASE);
	return true;
}

void outlet_put_barrier(struct outlet *outlet, const struct barrier_done *done)
{
	memcpy(shared_ring_reserve(&outlet->ring, RECORD_BARRIER, sizeof(*done)), done,
	       sizeof(*done));
	outlet->stats.barriers++;
	outlet->ticket_done = done->ticket;
}

static struct outlet *outlet_of(struct reader *reader)
{
	return (struct outlet *)reader;
}

int reader_wake_fd(struct reader *reader)
{
	struct outlet *outlet = outlet_of(reader);
	int fd = outlet->reader_fd;

	outlet->reader_fd = -1;
	return fd;
}

void *reader_ring(struct reader *reader)
{
	return outlet_of(reader)->ring.memory;
}

double reader_head(struct reader *reader)
{
	return shared_ring_head(&outlet_of(reader)->ring);
}

void reader_release(struct reader *reader, double tail)
{
	struct outlet *outlet = outlet_of(reader);

	shared_ring_release(&outlet->ring, tail);
	/* Pairs with the writer, which says that it waits before it looks for room again. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&outlet->waiting_for_room, __ATOMIC_RELAXED))
		outlet_poke(outlet);
}

double reader_arm(struct reader *reader)
{
	struct outlet *outlet = outlet_of(reader);

	__atomic_store_n(&outlet->armed, 1, __ATOMIC_SEQ_CST);
	return shared_ring_head(&outlet->ring);
}

uint32_t reader_sync(struct reader *reader)
{
	struct outlet *outlet = outlet_of(reader);
	uint32_t ticket = __atomic_add_fetch(&outlet->ticket_wanted, 1, __ATOMIC_ACQ_REL);

	outlet_poke(outlet);
	return ticket;
}

void reader_stop(struct reader *reader)
{
	struct outlet *outlet = outlet_of(reader);

	__atomic_store_n(&outlet->stop_wanted, 1, __ATOMIC_RELEASE);
	outlet_poke(outlet);
}

struct reader_stats *reader_stats(struct reader *reader)
{
	return &outlet_of(reader)->stats;
}
