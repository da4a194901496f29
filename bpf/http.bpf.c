// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* HTTP/1.x transactions of the host from its packets. Entry points, maps and settings; the logic is in the headers. */
#include "batch.bpf.h"
#include "http_conn.bpf.h"
#include "own_conns.bpf.h"

/* Settings, written before load. */
setting bool http_capture_query = false;
setting __u64 http_idle_timeout_ns = 60000000000ull;

/* Three of the larger events of a long build fit a ring of 16 KiB, the smallest that can be set. */
USM_EVENTS_INIT(http, PROTOCOL_HTTP, struct http_event, HTTP_TARGET_BYTES > 224 ? 3 : 16)

/*
 * Connections on which a request was seen. An entry is made by the first request, kept between transactions, and goes
 * with the connection's last FIN or RST, or by the harvest. When it is full, transactions of further connections are
 * counted as dropped. max_entries is set before load; memory is taken as entries come.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct conn_key);
	__type(value, struct http_conn);
} http_conns SEC(".maps");

/* What was read of it so far was no event yet, so nothing is lost of the ledger. */
static __always_inline void own_conn_found(const struct conn_key *key)
{
	bpf_map_delete_elem(&http_conns, key);
}

/* Scratch of the filter; filters of one CPU do not interrupt one another. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_window);
} http_window SEC(".maps");

static __always_inline struct http_window *http_window_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&http_window, &zero);
}

static __always_inline struct counters *http_counters_get(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&http_counters, &cpu);
}

static __always_inline void http_refused(enum refuse_reason reason)
{
	struct counters *counters = http_counters_get();

	if (counters)
		atomic_add(&counters->refused[reason], 1);
}

#include "http_flow.bpf.h"

static const struct http_conn http_conn_empty;

enum {
	/*
	 * A holder needs a microsecond or two, and longer when an interrupt or the hypervisor takes its CPU; a try is
	 * some tens of nanoseconds. Both together: about a millisecond, after which the segment is not read, and counted.
	 */
	LOCK_TRIES = 1024,
	LOCK_SPINS = 32,
};

/* Returns 1 when the lock was taken. A function of its own: the verifier proves its loop once. */
__noinline int http_spin(struct http_conn *conn)
{
	if (!conn)
		return 0;
	for (int i = 0; i < LOCK_TRIES; i++)
		if (atomic_cas(&conn->lock, 0, 1) == 0)
			return 1;
	return 0;
}

static __always_inline bool http_lock(struct http_conn *conn)
{
	for (int i = 0; i < LOCK_SPINS; i++)
		if (http_spin(conn))
			return true;
	return false;
}

static __always_inline void http_unlock(struct http_conn *conn)
{
	atomic_cas(&conn->lock, 1, 0);
}

/* Is this a request on a connection that is not ours? */
static __always_inline bool http_is_new_request(packet_t *packet, const struct segment *segment)
{
	struct http_window *window = http_window_get();
	__u32 len = segment->len < HTTP_METHOD_MAX ? segment->len : HTTP_METHOD_MAX;

	opaque(len);
	if (!window || len < 1 || len > HTTP_METHOD_MAX)
		return false;
	__builtin_memset(window->bytes + HTTP_CARRY, 0, HTTP_METHOD_MAX);
	if (packet_load(packet, segment->offset, window->bytes + HTTP_CARRY, len) < 0)
		return false;
	return http_begins_request(window, len) && !own_conn_is(&segment->key);
}

static __always_inline struct http_conn *http_conn_create(const struct segment *segment)
{
	struct http_conn *conn;
	long err = bpf_map_update_elem(&http_conns, &segment->key, &http_conn_empty, BPF_NOEXIST);

	conn = bpf_map_lookup_elem(&http_conns, &segment->key);
	if (!conn) {
		batch_refuse(&http_counters, DROP_TABLE_FULL);
		return NULL;
	}
	if (!err)
		conn->client = segment->from;
	return conn;
}

static __always_inline void http_observe(packet_t *packet, __u32 network, __u16 ethertype)
{
	struct segment segment = {};
	struct http_conn *conn;
	int result;

	if (!segment_read(packet, network, ethertype, &segment))
		return;
	conn = bpf_map_lookup_elem(&http_conns, &segment.key);
	if (!conn) {
		if (!http_is_new_request(packet, &segment))
			return;
		conn = http_conn_create(&segment);
		if (!conn)
			return;
	}
	if (!http_lock(conn)) {
		struct counters *counters = http_counters_get();

		if (counters)
			atomic_add(&counters->connection_busy, 1);
		return;
	}
	segment.now_ns = bpf_ktime_get_ns();
	result = http_read_segment(packet, conn, &segment);
	http_unlock(conn);
	if (result == SEGMENT_FORGET)
		bpf_map_delete_elem(&http_conns, &segment.key);
}

/*
 * Attached to packet sockets of type SOCK_DGRAM, for which data begins at the network header on every kind of device
 * and in both directions. Nothing is ever passed on to the socket.
 */
SEC("socket")
int http_filter(packet_t *packet)
{
	if (is_http_monitoring_enabled())
		http_observe(packet, 0, bpf_ntohs(packet->protocol));
	/* Here, and not on a tracepoint of every packet: that cost two further program runs a transaction. */
	http_batch_flush(packet);
	return 0;
}

struct harvest {
	__u64 now_ns;
	bool all; /* forget everything, without a word: what is open was never observed */
	__u8 pad[7];
};

struct bpf_map;

static long http_harvest_one(struct bpf_map *map, const struct conn_key *key,
			     struct http_conn *conn, struct harvest *harvest)
{
	__u64 last_ns = READ_ONCE(conn->last_ns);

	if (!harvest->all &&
	    (last_ns > harvest->now_ns || harvest->now_ns - last_ns < http_idle_timeout_ns))
		return 0;
	if (atomic_cas(&conn->lock, 0, 1) != 0)
		return 0;
	if (!harvest->all)
		http_end_early(conn, HTTP_OUTCOME_TIMEOUT, harvest->now_ns);
	http_unlock(conn);
	bpf_map_delete_elem(map, key);
	return 0;
}

/*
 * Ends what has been silent for the idle time-out. Run by user space now and then with BPF_PROG_TEST_RUN. While paused
 * nobody knows what is silent; what is open then is forgotten on resuming.
 */
SEC("raw_tp")
int http_harvest(void *ctx)
{
	struct harvest harvest = {.now_ns = bpf_ktime_get_ns()};

	if (is_http_monitoring_enabled())
		bpf_for_each_map_elem(&http_conns, http_harvest_one, &harvest, 0);
	return 0;
}

/* Run by user space before it resumes the stream: connections would be out of step with what passed meanwhile. */
SEC("raw_tp")
int http_forget(void *ctx)
{
	struct harvest harvest = {.all = true};

	bpf_for_each_map_elem(&http_conns, http_harvest_one, &harvest, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
