// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http_native.h"
#include "link_layer.h"
#include "player.h"

enum {
	/* Between two looks at commands. */
	PACKETS_PER_LOOK = 64,
	HARVESTS_PER_TIMEOUT = 8,
	TICK_NS = 10000000,
	SPARE_NS_MIN = 1000000,
	/* A loop of a capture without any length is still no busy loop. */
	ROUND_NS_MIN = 1000000000,
	/* Captures of several queues or devices have packets in the wrong order by so much at most. */
	DISORDER_NS_MAX = 1000000000,
	WAKE_MILLIS_MAX = 1000,
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Sleeps until poked, or until the time is over; -1: for ever. */
static void sleep_for_room(void *context, int timeout_millis)
{
	struct player *player = context;
	struct pollfd fd = {.fd = player->out->command_fd, .events = POLLIN};

	if (poll(&fd, 1, timeout_millis) > 0)
		outlet_take_pokes(player->out);
}

int player_on_batch(void *context, const struct batch *batch, uint32_t bytes)
{
	struct player *player = context;
	struct outlet *out = player->out;

	if (!outlet_wait_for_room(out, sleep_for_room, player))
		return -ECANCELED;
	memcpy(shared_ring_reserve(&out->ring, RECORD_BATCH, bytes), batch, bytes);
	out->stats.batches++;
	out->stats.events += batch->len;
	out->stats.bytes += bytes;
	outlet_publish(out);
	return 0;
}

/* Everything that is complete is to be seen before a sleep. */
static void sleep_until_poked(struct player *player, bool also_for_input, int timeout_millis)
{
	struct pollfd fds[] = {
		{.fd = player->out->command_fd, .events = POLLIN},
		{.fd = capture_file_fd(player->file), .events = POLLIN},
	};

	http_native_flush();
	outlet_publish(player->out);
	if (poll(fds, also_for_input ? 2 : 1, timeout_millis) > 0 && fds[0].revents)
		outlet_take_pokes(player->out);
}

static void put_last_record(struct player *player, enum record_kind kind)
{
	if (!outlet_wait_for_room(player->out, sleep_for_room, player))
		return;
	shared_ring_reserve(&player->out->ring, kind, 0);
	outlet_publish(player->out);
}

/* The file's end. What is open then gets no answer any more. */
static void end_round(struct player *player, enum capture_result result)
{
	struct replay_status *status = &player->status;
	const char *fault = capture_file_fault(player->file);
	bool again = player->options.loop && player->in_round && !*fault;

	http_native_end(player->now_ns);
	http_native_flush();
	player->in_round = player->anchored = false;
	player->now_ns = player->next_harvest_ns = player->next_tick_ns = 0;
	status->rounds++;
	if (again && capture_file_rewind(player->file))
		return;
	snprintf(status->message, sizeof(status->message), "%s", fault);
	__atomic_store_n(&status->state, result == CAPTURE_END ? REPLAY_ENDED : REPLAY_BROKEN,
			 __ATOMIC_RELEASE);
	put_last_record(player, RECORD_ENDED);
}

static void begin_round(struct player *player)
{
	uint64_t began_ns = player->round_began_ns;

	player->in_round = true;
	player->round_first_ns = player->packet.time_ns;
	player->round_began_ns = clock_ns(CLOCK_REALTIME);
	if (player->status.rounds && player->round_began_ns < began_ns + ROUND_NS_MIN)
		player->round_began_ns = began_ns + ROUND_NS_MIN;
	if (!player->status.packets)
		player->status.first_ns = player->packet.time_ns;
}

/* Has the next packet at hand. False when there is none now. */
static bool read_packet(struct player *player)
{
	enum capture_result result;

	if (player->has_packet)
		return true;
	result = capture_file_next(player->file, &player->packet);
	player->status.bytes = capture_file_position(player->file);
	if (result == CAPTURE_WAIT) {
		sleep_until_poked(player, true, -1);
	} else if (result != CAPTURE_PACKET) {
		end_round(player, result);
	} else {
		player->has_packet = true;
		if (!player->in_round)
			begin_round(player);
	}
	return player->has_packet;
}

/* How far behind the round's first packet this one is replayed, in nanoseconds. */
static uint64_t since_first(const struct player *player)
{
	uint64_t time_ns = player->packet.time_ns;

	if (time_ns <= player->round_first_ns)
		return 0;
	return player->options.speed > 0
		       ? (time_ns - player->round_first_ns) / player->options.speed
		       : time_ns - player->round_first_ns;
}

/* How long the packet at hand is to wait; the time that a pause took is not made up for. */
static uint64_t wait_ns(struct player *player)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), since = since_first(player), due;

	if (!(player->options.speed > 0))
		return 0;
	if (!player->anchored) {
		uint64_t real = clock_ns(CLOCK_REALTIME);

		player->anchored = true;
		player->due_ns = now;
		player->due_packet_ns = since;
		/* The next round of a short capture begins later; what a pause took is not to be seen in present times. */
		if (!since && player->round_began_ns > real)
			player->due_ns += player->round_began_ns - real;
		else
			player->round_began_ns = real - since;
	}
	if (since < player->due_packet_ns) {
		player->anchored = false;
		return 0;
	}
	due = player->due_ns + (since - player->due_packet_ns);
	return due > now ? due - now : 0;
}

/* As the pump does it (make_room() there), by the events' clock. */
static void make_room(struct player *player)
{
	uint32_t max = player->connections_max;

	if (player->now_ns < player->next_tick_ns)
		return;
	player->next_tick_ns = player->now_ns + TICK_NS;
	if (http_native_connections() <= max - max / 8) {
		player->spare_ns = 0;
		return;
	}
	player->spare_ns = (player->spare_ns ?: player->idle_timeout_ns) / 2;
	if (player->spare_ns < SPARE_NS_MIN)
		player->spare_ns = SPARE_NS_MIN;
	http_native_make_room(player->now_ns, player->spare_ns);
}

static void harvest(struct player *player)
{
	make_room(player);
	if (player->now_ns < player->next_harvest_ns)
		return;
	http_native_harvest(player->now_ns);
	player->next_harvest_ns = player->now_ns + player->idle_timeout_ns / HARVESTS_PER_TIMEOUT;
}

/* Sets the events' clock to the packet at hand. It never goes back, as the kernel's does not. */
static void set_clock(struct player *player)
{
	uint64_t time_ns = player->packet.time_ns;

	if (player->options.loop)
		time_ns = player->round_began_ns + since_first(player);
	if (time_ns + DISORDER_NS_MAX < player->now_ns) {
		/* Another capture's packets, or a clock that was set: none of them belongs to what came before. */
		http_native_end(player->now_ns);
		player->now_ns = time_ns;
		player->next_harvest_ns = player->next_tick_ns = 0;
	}
	if (time_ns > player->now_ns)
		player->now_ns = time_ns;
}

static void deliver(struct player *player)
{
	const struct captured_packet *packet = &player->packet;
	struct replay_status *status = &player->status;
	uint32_t network;
	uint16_t ethertype;

	player->has_packet = false;
	set_clock(player);
	harvest(player);
	status->packets++;
	status->packets_cut += packet->captured < packet->length;
	status->last_ns = packet->time_ns;
	if (!link_type_is_known(packet->link_type)) {
		status->packets_unknown++;
		status->unknown_link_type = packet->link_type;
		return;
	}
	if (!link_find_network(packet->link_type, packet->bytes, packet->captured, &network,
			       &ethertype))
		return;
	const uint8_t *bytes = packet->bytes + network;
	if (packet->captured < packet->length)
		http_native_cut_packet(bytes, packet->captured - network, packet->length - network,
				       ethertype, player->now_ns);
	else
		http_native_packet(bytes, packet->captured - network, ethertype, player->now_ns);
}

/* Goes on for some packets, or sleeps. */
static void play(struct player *player)
{
	bool over = player->status.state != REPLAY_READING;

	if (over || !outlet_is_set(&player->may_play) || outlet_is_set(&player->held)) {
		player->anchored = false;
		sleep_until_poked(player, false, -1);
		return;
	}
	for (int i = 0; i < PACKETS_PER_LOOK && read_packet(player); i++) {
		uint64_t millis = (wait_ns(player) + 999999) / 1000000;

		if (millis) {
			sleep_until_poked(player, false,
					  millis < WAKE_MILLIS_MAX ? millis : WAKE_MILLIS_MAX);
			return;
		}
		deliver(player);
	}
}

static void *player_main(void *argument)
{
	struct player *player = argument;
	struct outlet *out = player->out;

	while (!outlet_is_set(&out->abandon)) {
		/* In this order: no ticket is given after the stop, so all that there are are seen with it. */
		bool stopping = outlet_is_set(&out->stop_wanted);
		struct barrier_done done = {
			.ticket = __atomic_load_n(&out->ticket_wanted, __ATOMIC_ACQUIRE)};

		if (stopping || done.ticket != out->ticket_done) {
			http_native_flush();
			if (!outlet_wait_for_room(out, sleep_for_room, player))
				break;
			outlet_put_barrier(out, &done);
			outlet_publish(out);
		}
		if (stopping) {
			put_last_record(player, RECORD_STOPPED);
			break;
		}
		play(player);
	}
	return NULL;
}

int player_start(struct player *player)
{
	sigset_t all, before;
	int err;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&player->thread, NULL, player_main, player);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return err;
	pthread_setname_np(player->thread, "kernelcast-play");
	player->running = true;
	return 0;
}

void player_join(struct player *player)
{
	if (!player->running)
		return;
	pthread_join(player->thread, NULL);
	player->running = false;
}
