// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "pump.h"

enum {
	EVENTS_MAX = 64,
	/* A barrier on one CPU gives up after this; what it waits for is an enqueue half-way, some microseconds. */
	BARRIER_MILLIS = 1000,
	RETRY_NS = 20000,
	HARVESTS_PER_TIMEOUT = 8,
	HARVEST_MILLIS_MAX = 5000,
	SPARE_NS_MIN = 1000000,
	TAPS_RETRY_MILLIS = 1000,
	/* Nicer than the rest of the process is not: the pump does little and everything waits for it. */
	PUMP_NICE = -10,
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void count_sockets(struct pump *pump)
{
	pump->out->stats.sockets = pump->taps.opened;
	pump->out->stats.sockets_refused = pump->taps.refused;
}

/* Sleeps until poked, a ring is ready or the time-out. */
static void wait_for_events(void *context, int timeout_millis)
{
	struct pump *pump = context;
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(pump->epoll_fd, events, EVENTS_MAX, timeout_millis);

	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == pump->out->command_fd) {
			outlet_take_pokes(pump->out);
		} else if (events[i].data.fd == pump->taps.netlink_fd) {
			taps_follow(&pump->taps);
			count_sockets(pump);
		}
	}
}

/* Returns false when JavaScript has given up reading. */
static bool wait_for_room(struct pump *pump)
{
	return outlet_wait_for_room(pump->out, wait_for_events, pump);
}

/* Moves what a CPU's ring holds, waiting for room as often as needed. */
static bool consume_wholly(struct pump *pump, struct stream *stream, int cpu)
{
	while (!stream_consume(stream, cpu))
		if (!wait_for_room(pump))
			return false;
	return true;
}

static bool consume_all(struct pump *pump)
{
	for (int s = 0; s < pump->stream_count; s++)
		for (int cpu = 0; cpu < pump->cpus; cpu++)
			if (!consume_wholly(pump, &pump->streams[s], cpu))
				return false;
	return true;
}

/* One try at emptying a CPU's pages into a ring. */
static int flush_cpu(struct pump *pump, struct stream *stream, int cpu)
{
	int err = stream->rings[cpu].buffer ? stream_barrier(stream, cpu) : -ENXIO;

	if (err == -EOPNOTSUPP || err == -ENOENT) {
		/* The CPU went and came back between two ticks, and the ring's event is dead: the next tick opens another. */
		if (!consume_wholly(pump, stream, cpu))
			return -ECANCELED;
		stream_close_ring(stream, cpu);
		pump->cpu_online[0] = 0;
		err = -ENXIO;
	}
	if (err != -ENXIO)
		return err;
	if (!stream_is_pending(stream, cpu))
		return 0;
	/* Offline. What it had put on its own ring comes before what it still has in pages. */
	if (!consume_wholly(pump, stream, cpu))
		return -ECANCELED;
	return stream_drain_offline(stream, cpu);
}

/* A CPU may fail for several streams; it is named once. */
static void add_missing(struct barrier_done *done, int cpu)
{
	uint32_t listed = done->missing_count;

	if (listed > BARRIER_MISSING_MAX)
		listed = BARRIER_MISSING_MAX;
	for (uint32_t i = 0; i < listed; i++)
		if (done->missing[i] == cpu)
			return;
	if (listed < BARRIER_MISSING_MAX)
		done->missing[listed] = cpu;
	done->missing_count++;
}

/* True when a CPU has answered, or will not: then it is among those missing. */
static bool try_barrier(struct pump *pump, struct stream *stream, int cpu, bool last,
			struct barrier_done *done)
{
	int err = flush_cpu(pump, stream, cpu);

	if (!err)
		return true;
	if (!last && (err == -EAGAIN || err == -EBUSY || err == -ENOSPC))
		return false;
	add_missing(done, cpu);
	return true;
}

/*
 * Runs one barrier over all CPUs and puts its record behind all that it flushed. Where something was half-way it is run
 * again, until none is left or the time is over; the rings are emptied between, so that no CPU waits for another.
 */
static bool run_barrier(struct pump *pump, uint32_t ticket)
{
	struct barrier_done done = {.ticket = ticket};
	uint64_t deadline_ns = now_ns() + BARRIER_MILLIS * 1000000ull;
	int left = pump->stream_count * pump->cpus;
	bool last = false;

	for (int s = 0; s < pump->stream_count; s++)
		for (int cpu = 0; cpu < pump->cpus; cpu++)
			pump->streams[s].rings[cpu].barrier_owed = true;
	for (;;) {
		for (int s = 0; s < pump->stream_count; s++) {
			struct stream *stream = &pump->streams[s];
			for (int cpu = 0; cpu < pump->cpus; cpu++) {
				bool *owed = &stream->rings[cpu].barrier_owed;
				if (!*owed || !try_barrier(pump, stream, cpu, last, &done))
					continue;
				*owed = false;
				left--;
			}
		}
		if (!consume_all(pump))
			return false;
		if (!left)
			break;
		last = now_ns() > deadline_ns;
		pump->out->stats.barrier_retries++;
		/* What is half-way may be a task that this thread keeps from its CPU. */
		nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
	}
	if (!wait_for_room(pump))
		return false;
	outlet_put_barrier(pump->out, &done);
	return true;
}

/* A quiet CPU receives no packet that would flush its pages; only CPUs with something pending are disturbed. */
static void kick_pending(struct pump *pump)
{
	for (int s = 0; s < pump->stream_count; s++) {
		for (int cpu = 0; cpu < pump->cpus; cpu++) {
			if (!stream_is_pending(&pump->streams[s], cpu))
				continue;
			pump->out->stats.kicks++;
			flush_cpu(pump, &pump->streams[s], cpu);
		}
	}
}

/*
 * A table that is nearly full forgets the idle connections that have been silent longest: each tick shortens by half how
 * long they are kept, until there is room.
 */
static void make_room(struct pump *pump, struct stream *stream)
{
	if (!stream_is_crowded(stream)) {
		stream->spare_ns = 0;
		return;
	}
	stream->spare_ns = (stream->spare_ns ?: pump->options.idle_timeout_millis * 1000000ull) / 2;
	if (stream->spare_ns < SPARE_NS_MIN)
		stream->spare_ns = SPARE_NS_MIN;
	stream_run(stream->harvest_fd, stream->spare_ns);
}

static void harvest(struct pump *pump, uint64_t now)
{
	uint64_t millis = pump->options.idle_timeout_millis / HARVESTS_PER_TIMEOUT;

	for (int s = 0; s < pump->stream_count; s++)
		make_room(pump, &pump->streams[s]);
	if (now < pump->next_harvest_ns)
		return;
	for (int s = 0; s < pump->stream_count; s++)
		stream_run(pump->streams[s].harvest_fd, 0);
	if (millis > HARVEST_MILLIS_MAX)
		millis = HARVEST_MILLIS_MAX;
	pump->next_harvest_ns = now + (millis ?: 1) * 1000000;
}

/* Devices that could get no socket: for want of memory or descriptors, which may be there by now. */
static void retry_taps(struct pump *pump, uint64_t now)
{
	if (!pump->taps.incomplete || now < pump->next_retry_ns)
		return;
	taps_refresh(&pump->taps);
	count_sockets(pump);
	pump->next_retry_ns = now + TAPS_RETRY_MILLIS * 1000000ull;
}

static bool mask_has(const char *list, int cpu)
{
	int first, last, used;

	while (sscanf(list, "%d%n", &first, &used) == 1) {
		list += used;
		last = first;
		if (*list == '-' && sscanf(list, "-%d%n", &last, &used) == 1)
			list += used;
		if (cpu >= first && cpu <= last)
			return true;
		if (*list != ',')
			break;
		list++;
	}
	return false;
}

static int open_ring(struct pump *pump, struct stream *stream, int cpu)
{
	int fd = stream_open_ring(stream, cpu, pump->options.ring_bytes,
				  pump->options.watermark_bytes);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd < 0)
		return fd;
	/* At start this is before any program is attached: a wake-up before it would be missed. */
	return epoll_ctl(pump->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/*
 * A ring for each CPU that is online: an event of a CPU that went is dead for good, also when the CPU comes back. What
 * cannot be opened is tried again at the next tick; a CPU that went meanwhile (-ENODEV) is no error.
 */
static int refresh_cpus(struct pump *pump)
{
	char online[sizeof(pump->cpu_online)] = "";
	ssize_t len = pread(pump->cpu_online_fd, online, sizeof(online) - 1, 0);
	int err = 0;

	if (len <= 0)
		return -EIO;
	if (!strcmp(online, pump->cpu_online))
		return 0;
	memcpy(pump->cpu_online, online, sizeof(online));
	for (int s = 0; s < pump->stream_count; s++) {
		struct stream *stream = &pump->streams[s];
		for (int cpu = 0; cpu < pump->cpus; cpu++) {
			bool want = mask_has(online, cpu), have = stream->rings[cpu].buffer;
			int failed = 0;

			if (have && !want) {
				consume_wholly(pump, stream, cpu);
				stream_close_ring(stream, cpu);
			} else if (want && !have) {
				failed = open_ring(pump, stream, cpu);
			}
			if (failed)
				pump->cpu_online[0] = 0;
			if (failed && failed != -ENODEV)
				err = failed;
		}
	}
	return err;
}

static void tick(struct pump *pump)
{
	uint64_t now = now_ns();

	if (now < pump->next_tick_ns)
		return;
	refresh_cpus(pump);
	retry_taps(pump, now);
	harvest(pump, now);
	kick_pending(pump);
	pump->next_tick_ns = now_ns() + pump->options.kick_millis * 1000000ull;
}

static void *pump_main(void *argument)
{
	struct pump *pump = argument;
	struct outlet *out = pump->out;
	bool detached = false;

	setpriority(PRIO_PROCESS, 0, PUMP_NICE);
	while (!outlet_is_set(&out->abandon)) {
		/* In this order: no ticket is given after the stop, so all that there are are seen with it. */
		bool stopping = outlet_is_set(&out->stop_wanted);
		uint32_t wanted = __atomic_load_n(&out->ticket_wanted, __ATOMIC_ACQUIRE);

		if (stopping && !detached) {
			pump->detach(pump->context);
			detached = true;
			wanted++; /* what was enqueued until now is flushed like by any barrier */
		}
		tick(pump);
		if (!consume_all(pump))
			break;
		if (wanted != out->ticket_done && !run_barrier(pump, wanted))
			break;
		if (stopping) {
			if (wait_for_room(pump)) {
				shared_ring_reserve(&out->ring, RECORD_STOPPED, 0);
				outlet_publish(out);
			}
			break;
		}
		outlet_publish(out);
		wait_for_events(pump, pump->options.kick_millis);
	}
	return NULL;
}

static int watch(struct pump *pump, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(pump->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int pump_init(struct pump *pump)
{
	pump->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	pump->cpu_online_fd = open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC);
	if (pump->epoll_fd < 0 || pump->cpu_online_fd < 0)
		return -errno;
	int err = watch(pump, pump->out->command_fd);
	return err ?: refresh_cpus(pump);
}

int pump_start(struct pump *pump)
{
	sigset_t all, before;
	int err = pump->taps.netlink_fd < 0 ? 0 : watch(pump, pump->taps.netlink_fd);

	if (err)
		return err;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&pump->thread, NULL, pump_main, pump);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return err;
	pthread_setname_np(pump->thread, "kernelcast-pump");
	pump->running = true;
	return 0;
}

void pump_join(struct pump *pump)
{
	if (!pump->running)
		return;
	pthread_join(pump->thread, NULL);
	pump->running = false;
}

static void close_fd(int *fd)
{
	if (*fd > 0)
		close(*fd);
	*fd = -1;
}

void pump_free(struct pump *pump)
{
	for (int s = 0; s < pump->stream_count; s++)
		stream_free(&pump->streams[s]);
	close_fd(&pump->cpu_online_fd);
	close_fd(&pump->epoll_fd);
}
