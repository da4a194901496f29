// SPDX-License-Identifier: Apache-2.0
/* It is the parser's own source, so that tables can be small and what is remembered of a connection can be looked at. */
#include "../../../ffi/http_native.c"

#include "../guarded.h"
#include "event_fault.h"
#include "subject.h"

static struct {
	struct played played;
	uint32_t room; /* of played.events */
	struct event_limits limits;
	uint64_t now_ns;
	uint64_t next_idx;     /* of the next batch */
	uint32_t refusals;     /* batches that the ring takes not */
	uint64_t lines, bytes; /* that came in packets */
	uint8_t wanted;
} run;

void stop_unless(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

/* A condition each, or two of which any is enough. */
static void want(uint8_t wanted)
{
	const struct http_net client = {.address = {0, htobe64(0xffff0a000001)}, .mask = {-1, -1}},
			      server = {.address = {0, htobe64(0xffff0a000000)},
					.mask = {-1, htobe64(0xffffffffff000000)}};
	uint32_t slot = 0;
	struct http_wanted *conditions = bpf_map_lookup_elem(&http_wanted, &slot);

	memset(conditions, 0, sizeof(*conditions));
	http_wanted_slot = wanted != 0;
	if (wanted & WANTED_SUCCESSES)
		conditions->status_classes = 1 << 2;
	if (wanted & WANTED_PORT) {
		conditions->port_count = 2;
		conditions->ports[0] = 80;
		conditions->ports[1] = 81;
	}
	conditions->client_net_count = !!(wanted & WANTED_CLIENT);
	conditions->client_nets[0] = client;
	conditions->server_net_count = !!(wanted & WANTED_SERVER);
	conditions->server_nets[0] = server;
}

static bool is_wanted(const struct http_event *event, uint8_t wanted)
{
	static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1};

	if (wanted & WANTED_SUCCESSES && event->status / 100 != 2)
		return false;
	if (wanted & WANTED_PORT && event->server_port != 80 && event->server_port != 81)
		return false;
	if (wanted & WANTED_CLIENT && memcmp(event->client_address, mapped, 16))
		return false;
	return !(wanted & WANTED_SERVER) || !memcmp(event->server_address, mapped, 13);
}

static void make_room(void)
{
	if (run.played.count < run.room)
		return;
	run.room = run.room * 2 + 64;
	run.played.events = realloc(run.played.events, run.room * sizeof(*run.played.events));
	stop_unless(run.played.events, "out of memory");
}

static void keep_event(const struct http_event *event)
{
	const char *fault = event_fault(event, &run.limits);

	if (fault)
		fprintf(stderr,
			"%.*s %.*s %u, outcome %u, head %u/%u, body %llu/%llu, at %llu/%llu/%llu\n",
			event->method_len, event->method, event->target_len, event->target,
			event->status, event->outcome, event->request_header_bytes,
			event->response_header_bytes, event->request_body_bytes,
			event->response_body_bytes, event->start_ns, event->first_byte_ns,
			event->end_ns);
	stop_unless(!fault, fault);
	stop_unless(is_wanted(event, run.wanted), "an event that nobody wants");
	make_room();
	run.played.events[run.played.count++] = *event;
}

static int take_batch(void *context, const struct batch *batch, uint32_t bytes)
{
	if (run.refusals) {
		run.refusals--;
		return -ENOSPC;
	}
	stop_unless(batch->idx == run.next_idx++, "a batch is missing, or came again");
	stop_unless(batch->len && batch->event_size == sizeof(struct http_event) &&
			    batch->protocol == PROTOCOL_HTTP && !batch->cpu &&
			    bytes == sizeof(*batch) + batch->len * sizeof(struct http_event),
		    "a batch without order");
	run.limits.last_ns = run.now_ns;
	for (uint32_t i = 0; i < batch->len; i++)
		keep_event((const struct http_event *)(batch + 1) + i);
	return 0;
}

struct census {
	uint32_t connections, queued;
};

static void check_flow(const struct http_flow *flow)
{
	stop_unless(flow->state <= FLOW_OPAQUE, "a state without a name");
	stop_unless(flow->carry_len <= HTTP_CARRY, "carry_len is beyond carry");
	stop_unless(flow->head_bytes <= HTTP_HEAD_MAX, "a head that should be refused");
	stop_unless(flow->held <= HTTP_HELD_MAX, "more segments are held than may be");
	stop_unless(flow->expectation <= EXPECT_REFUSED, "an expectation without a name");
	stop_unless((flow->state != FLOW_BODY && flow->state != FLOW_CHUNK_DATA) || flow->left,
		    "a body that is over and goes on");
}

static long check_connection(struct bpf_map *map, const struct conn_key *key,
			     struct http_conn *conn, struct census *census)
{
	struct http_queue_key at = {.conn = *key};

	stop_unless(!conn->lock, "a lock that nobody holds");
	stop_unless(http_conn_is(conn, key), "an entry that is no connection");
	stop_unless(conn->client <= 1 && conn->fin <= 3, "an entry out of range");
	stop_unless(conn->count <= HTTP_QUEUE_MAX, "a queue longer than may be");
	stop_unless(conn->count || !(conn->reading || conn->broken),
		    "something is said of a transaction that is not there");
	check_flow(&conn->flow[ROLE_CLIENT]);
	check_flow(&conn->flow[ROLE_SERVER]);
	for (int i = 1; i < conn->count; i++) {
		at.number = conn->first + i;
		stop_unless(bpf_map_lookup_elem(&http_queue, &at), "a hole in the queue");
		census->queued++;
	}
	census->connections++;
	return 0;
}

/* What holds at every moment. */
static void check_tables(void)
{
	const struct counters *counters = http_native_counters();
	struct census census = {};

	native_map_for_each(NATIVE_MAP(&http_conns), &http_conns, check_connection, &census);
	stop_unless(census.connections == http_native_connections(), "a walk that is not whole");
	stop_unless(counters->entries_made - counters->entries_gone == census.connections,
		    "entries are not counted");
	stop_unless(native_map_count(NATIVE_MAP(&http_queue)) == census.queued,
		    "queued transactions of nobody");
}

static void check_ledger(void)
{
	const struct counters *counters = http_native_counters();
	uint64_t dropped = 0;

	for (int reason = 0; reason < DROP_REASONS; reason++)
		dropped += counters->dropped[reason];
	stop_unless(counters->observed == counters->enqueued + counters->filtered + dropped,
		    "the ledger does not balance");
	stop_unless(run.wanted || !counters->filtered, "what is wanted was left out");
	stop_unless(counters->enqueued == run.played.count &&
			    counters->flushed == counters->enqueued,
		    "an event was lost on its way");
	stop_unless(!counters->dropped[DROP_CONTENDED] && !counters->dropped[DROP_COPY_REFUSED] &&
			    !counters->connection_busy && !counters->barrier_again,
		    "something was in the way of the only context");
	/* A request line ends, or is longer than is kept of it. */
	stop_unless(run.played.count <= run.lines + run.bytes / (HTTP_CARRY + 1),
		    "more events than request lines");
}

/* How much a table holds: two bits of a script's limits choose. */
static uint32_t limit(uint8_t limits, int table, bool as_kernel)
{
	static const uint32_t entries[4] = {1024, 1, 2, 4};

	return entries[as_kernel ? 0 : limits >> 2 * table & 3];
}

static void begin(const struct script_head *head, const struct playing *playing)
{
	static bool opened;
	static const struct http_native_options options = {.idle_timeout_ns = SUBJECT_IDLE_NS};
	bool as_kernel = playing->as_kernel;

	if (!opened)
		http_native_open(&options, take_batch, NULL);
	opened = true;
	native_maps_clear();
	native_map_limit(NATIVE_MAP(&http_conns), limit(head->limits, 0, as_kernel));
	native_map_limit(NATIVE_MAP(&http_queue), limit(head->limits, 1, as_kernel));
	native_map_limit(NATIVE_MAP(&http_held), limit(head->limits, 2, as_kernel));
	native_map_limit(NATIVE_MAP(&http_tuples), limit(head->limits, 3, as_kernel));
	native_map_limit(NATIVE_MAP(&http_firsts), limit(head->limits, 3, as_kernel));
	memset(http_scratch_get(), playing->rubbish, sizeof(struct http_scratch));
	memset(http_counters_get(), 0, sizeof(struct counters));
	http_capture_query = head->settings & SETTING_QUERY;
	http_path_max = head->settings & SETTING_SHORT_PATH && !as_kernel ? 9 : HTTP_TARGET_MAX;
	http_paused = false;
	run.wanted = as_kernel ? 0 : head->wanted;
	want(run.wanted);

	run.played.count = 0;
	run.played.passed_over = false;
	make_room();
	run.now_ns = SUBJECT_START_NS;
	run.limits = (struct event_limits){.first_ns = run.now_ns,
					   .path_max = http_path_max,
					   .head_max = HTTP_HEAD_MAX,
					   .query = http_capture_query};
	run.refusals = 0;
	run.lines = run.bytes = 0;
}

/* Is this packet's connection remembered, or is there nothing to be remembered of the packet? */
static bool is_followed(const struct action *action)
{
	packet_t packet = {.bytes = action->bytes,
			   .len = action->len + action->missing,
			   .missing = action->missing};
	struct segment segment;

	return !segment_read(&packet, 0, action->ethertype, &segment) || !segment.len ||
	       bpf_map_lookup_elem(&http_conns, &segment.key);
}

static void deliver(const struct action *action, const struct playing *playing)
{
	bool followed = is_followed(action);
	uint32_t len = action == playing->cut_action ? playing->cut : action->len;
	uint32_t whole = playing->as_kernel ? len : action->len + action->missing;

	run.now_ns += SUBJECT_STEP_NS;
	for (int i = 0; i <= playing->twice; i++) {
		const uint8_t *bytes = guarded_copy(action->bytes, len);

		if (len == whole)
			http_native_packet(bytes, len, action->ethertype, run.now_ns);
		else
			http_native_cut_packet(bytes, len, whole, action->ethertype, run.now_ns);
	}
	run.played.passed_over |= !followed && !is_followed(action);
	run.bytes += len;
	for (uint32_t at = 0; at < len; at++)
		run.lines += action->bytes[at] == '\n';
}

static void harvest_after(uint64_t silence_ns)
{
	run.now_ns += silence_ns;
	http_native_harvest(run.now_ns);
}

static void flush_all(void)
{
	run.refusals = 0;
	stop_unless(!http_native_flush(), "events are left that nobody refuses");
}

static void do_action(const struct action *action, const struct playing *playing)
{
	switch (action->kind) {
	case ACTION_PACKET:
		deliver(action, playing);
		break;
	case ACTION_LONG_SILENCE:
		harvest_after(SUBJECT_IDLE_NS + 1);
		break;
	case ACTION_FLUSH:
		http_native_flush();
		break;
	case ACTION_FORGET:
		http_native_pause(true);
		http_native_pause(false);
		/* player_forget() leaves nothing. */
		if (playing->as_kernel)
			native_maps_clear();
		break;
	default:
		if (playing->as_kernel)
			break;
		if (action->kind == ACTION_SILENCE)
			harvest_after(SUBJECT_IDLE_NS / 2);
		else if (action->kind == ACTION_SECOND)
			run.now_ns += 1100000000;
		else if (action->kind == ACTION_REFUSE)
			run.refusals = action->number;
		else
			http_native_pause(!http_paused);
	}
}

const struct played *subject_play(const struct script *script, const struct playing *playing)
{
	begin(&script->head, playing);
	for (uint32_t i = 0; i < script->count; i++) {
		do_action(&script->actions[i], playing);
		if (playing->as_kernel)
			flush_all();
		check_tables();
	}
	flush_all();
	check_ledger();
	if (http_paused)
		http_native_pause(false);
	harvest_after(SUBJECT_IDLE_NS + 1);
	flush_all();
	check_ledger();
	check_tables();
	stop_unless(!http_native_connections(), "a silent connection is remembered");
	run.played.counters = *http_native_counters();
	return &run.played;
}
