// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* HTTP/1.x transactions of the host from its packets. Entry points, maps and settings; the logic is in the headers. */
#include "batch.bpf.h"
#include "http_conn.bpf.h"
#include "own_conns.bpf.h"

/* Settings, written before load. */
setting bool http_capture_query = false;
setting __u32 http_path_max = HTTP_TARGET_BYTES;
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

/* Scratch of the filter; filters of one CPU do not interrupt one another. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_scratch);
} http_scratch SEC(".maps");

static __always_inline struct http_scratch *http_scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&http_scratch, &zero);
}

static __always_inline struct counters *http_counters_get(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&http_counters, &cpu);
}

static __always_inline void http_refused(__u32 reason)
{
	struct counters *counters = http_counters_get();

	opaque(reason);
	if (counters && reason < REFUSE_REASONS)
		atomic_add(&counters->refused[reason], 1);
}

static __always_inline void http_missed(void)
{
	struct counters *counters = http_counters_get();

	if (counters)
		atomic_add(&counters->gaps, 1);
}

static __always_inline void http_unread(void)
{
	struct counters *counters = http_counters_get();

	if (counters)
		atomic_add(&counters->connection_busy, 1);
}

static __always_inline void http_unwanted(void)
{
	struct counters *counters = http_counters_get();

	if (counters) {
		atomic_add(&counters->observed, 1);
		atomic_add(&counters->filtered, 1);
	}
}

static __always_inline void http_no_room(void)
{
	batch_refuse(&http_counters, DROP_TABLE_FULL);
}

#include "http_segment.bpf.h"
#include "http_tuples.bpf.h"

static const struct http_conn http_conn_empty;

enum {
	/*
	 * A holder needs a microsecond or two, and longer when an interrupt or the hypervisor takes its CPU, as with any lock
	 * of the kernel. A try is some tens of nanoseconds; all together they are some tens of milliseconds, after which the
	 * segment is not read, and counted.
	 */
	LOCK_TRIES = 1024,
	LOCK_SPINS = 1024,
};

/*
 * Returns 0 when the lock was taken, 1 when it is to be tried again, 2 when this CPU has it: the harvest was interrupted,
 * and waiting would be in vain. A function of its own: the verifier proves its loop once.
 */
__noinline int http_spin(struct http_conn *conn)
{
	__u32 me = bpf_get_smp_processor_id() + 1;

	if (!conn)
		return 2;
	for (int i = 0; i < LOCK_TRIES; i++) {
		__u32 holder = atomic_cas(&conn->lock, 0, me);

		if (!holder)
			return 0;
		if (holder == me)
			return 2;
	}
	return 1;
}

static __always_inline bool http_lock(struct http_conn *conn)
{
	__u32 me = bpf_get_smp_processor_id() + 1;
	int result = 1;

	/* Mostly it is free. */
	if (!atomic_cas(&conn->lock, 0, me))
		return true;
	for (int i = 0; i < LOCK_SPINS && result == 1; i++)
		result = http_spin(conn);
	return !result;
}

static __always_inline void http_unlock(struct http_conn *conn)
{
	atomic_cas(&conn->lock, bpf_get_smp_processor_id() + 1, 0);
}

static __always_inline __u32 http_ports(const struct conn_key *key)
{
	return (__u32)key->port[0] << 16 | key->port[1];
}

/*
 * Makes an entry, which one that called this fills: a segment that comes by on another CPU before that must not decide
 * where the connection stands. The memory of one that was forgotten is used again at once, so who found it before that
 * must look, under the lock, whether it still is what was looked for (http_conn_is()).
 */
static __always_inline struct http_conn *http_conn_create(const struct conn_key *key)
{
	struct counters *counters = http_counters_get();
	struct http_conn *conn;

	if (!bpf_map_update_elem(&http_conns, key, &http_conn_empty, BPF_NOEXIST) && counters)
		atomic_add(&counters->entries_made, 1);
	conn = bpf_map_lookup_elem(&http_conns, key);
	if (!conn)
		http_no_room();
	return conn;
}

/*
 * The ACK of the first request tells where the server's bytes stand, so that both directions are in step from here.
 */
static __always_inline void http_conn_fill(struct http_conn *conn, const struct segment *segment,
					   __u32 first_seq)
{
	conn->life = CONN_LIVE;
	conn->ports = http_ports(&segment->key);
	conn->client = segment->from & 1;
	conn->last_ns = segment->now_ns;
	conn->flow[ROLE_CLIENT].known = 1;
	conn->flow[ROLE_CLIENT].next_seq = first_seq;
	if (segment->flags & TCP_ACK) {
		conn->flow[ROLE_SERVER].known = 1;
		conn->flow[ROLE_SERVER].next_seq = segment->ack;
	}
}

static __always_inline bool http_conn_is(const struct http_conn *conn, const struct conn_key *key)
{
	return conn->life == CONN_LIVE && conn->ports == http_ports(key);
}

/*
 * Takes an entry whose lock is held out of the table. Unlocked only then, so that who waits for it finds the table without
 * it. Its memory may be another connection's at once, which the lock's word tells: this CPU does not hold that one's.
 */
static __always_inline void http_conn_remove(struct http_conn *conn, const struct conn_key *key)
{
	struct counters *counters = http_counters_get();

	conn->life = CONN_GONE;
	if (!bpf_map_delete_elem(&http_conns, key) && counters)
		atomic_add(&counters->entries_gone, 1);
	http_unlock(conn);
}

/* Forgets a connection whose lock is held, and what was kept for it. */
static __always_inline void http_conn_forget(struct http_conn *conn, const struct conn_key *key)
{
	const struct http_flow *client = &conn->flow[ROLE_CLIENT],
			       *server = &conn->flow[ROLE_SERVER];
	bool tunnel = client->state == FLOW_OPAQUE && conn->fin != 3;
	/* A SYN that opens another one has a higher number. */
	struct http_tuple marked = {.first_seq = client->next_seq,
				    .end_seq = client->next_seq,
				    .reply_seq = server->next_seq,
				    .client = conn->client,
				    .state = tunnel ? TUPLE_OPAQUE : TUPLE_ENDED,
				    .accepted = server->known};

	if (conn->seen)
		http_tuple_mark(key, &marked);
	http_conn_remove(conn, key);
}

/* What was read of it so far was no event yet, so nothing is lost of the ledger. */
static __always_inline void own_conn_found(const struct conn_key *key)
{
	struct http_conn *conn = bpf_map_lookup_elem(&http_conns, key);

	if (!conn || !http_lock(conn))
		return;
	if (http_conn_is(conn, key)) {
		http_end_all(conn, key, OUTCOME_UNSEEN, 0);
		http_conn_remove(conn, key);
	} else {
		http_unlock(conn);
	}
}

/* The same connection, behind a destination NAT, is answered by the endpoint that this segment goes to. Returns 0. */
__noinline int http_note_answered(const struct conn_key *key, const struct segment *segment)
{
	if (!key || !segment)
		return 0;
	struct http_conn *conn = bpf_map_lookup_elem(&http_conns, key);
	__u32 to = (segment->from & 1) ^ 1;

	if (!conn || !http_lock(conn))
		return 0;
	__u32 server = (conn->client & 1) ^ 1;
	if (http_conn_is(conn, key) &&
	    (key->port[server] != segment->key.port[to] ||
	     load64(key->address[server]) != load64(segment->key.address[to]) ||
	     load64(key->address[server] + 8) != load64(segment->key.address[to] + 8))) {
		struct http_event *event = &conn->transaction.event;

		conn->answered_port = event->answered_port = segment->key.port[to];
		__builtin_memcpy(conn->answered_address, segment->key.address[to], 16);
		__builtin_memcpy(event->answered_address, segment->key.address[to], 16);
	}
	http_unlock(conn);
	return 0;
}

static const __u64 PROXY_VERSION_1 = WORD8('P', 'R', 'O', 'X', 'Y', ' ', 0, 0);
static const __u64 PROXY_VERSION_2 = WORD8('\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q');

/*
 * Bytes of the PROXY protocol's header, version 1 or 2, with which the len bytes at HTTP_CARRY begin; 0: with none, or it
 * is not whole. haproxy puts it before the first request, in the same segment.
 */
__noinline int http_preamble(const struct http_window *window, __u32 len)
{
	enum {
		VERSION_1_MAX = 107,
		VERSION_2_HEADER = 16,
	};

	if (!window)
		return 0;
	__u64 word = window_load(window, HTTP_CARRY);

	if ((word & MASK_BYTES(6)) == PROXY_VERSION_1) {
		__u32 end = HTTP_CARRY + (len < VERSION_1_MAX ? len : VERSION_1_MAX);
		__u32 lf = http_find_lf(window, HTTP_CARRY, end);
		return lf < end ? lf + 1 - HTTP_CARRY : 0;
	}
	if (word != PROXY_VERSION_2 || len < VERSION_2_HEADER)
		return 0;
	return VERSION_2_HEADER + ((__u32)(__u8)window_byte(window, HTTP_CARRY + 14) << 8 |
				   (__u8)window_byte(window, HTTP_CARRY + 15));
}

/* Loads len bytes of the payload at HTTP_CARRY, and zeros behind them. Returns false when they are not there. */
static __always_inline bool http_peek(packet_t *packet, const struct segment *segment,
				      struct http_window *window, __u32 len)
{
	opaque(len);
	if (len < 1 || len > HTTP_WINDOW)
		return false;
	if (packet_load(packet, segment->offset, window->bytes + HTTP_CARRY, len) < 0)
		return false;
	__builtin_memset(window->bytes + HTTP_CARRY + len, 0, HTTP_SLACK);
	return true;
}

/*
 * Does a connection that is to be followed begin here: with a request, or with a segment that came before the first one?
 * Not one of ours, nor one that is read under another address pair. Then the scratch's first_seq says where the client's
 * bytes are read from.
 */
__noinline int http_is_new_request(packet_t *packet, const struct segment *segment)
{
	struct http_scratch *scratch = http_scratch_get();
	struct conn_key other;
	__u32 before, at, len, first = 0;
	int begins, early;

	if (!packet || !segment || !scratch)
		return false;
	struct http_window *window = &scratch->window;

	len = segment->len < HTTP_PEEK ? segment->len : HTTP_PEEK;
	if (!http_peek(packet, segment, window, len))
		return false;
	early = http_tuple_earliness(segment, &first);
	before = 0;
	__u64 word = window_load(window, HTTP_CARRY);
	if (word == PROXY_VERSION_2 || (word & MASK_BYTES(6)) == PROXY_VERSION_1) {
		len = segment->len < HTTP_WINDOW ? segment->len : HTTP_WINDOW;
		if (!http_peek(packet, segment, window, len))
			return false;
		before = http_preamble(window, len);
		if (early != EARLY_BEFORE && (!before || before >= len))
			return false;
		if (before > len)
			before = len;
	}
	/* Empty lines before the first request, RFC 9112 section 2.2. */
	at = HTTP_CARRY + before;
	len -= before;
	for (int i = 0; i < HTTP_EMPTY_LINES && len; i++) {
		char c = window_byte(window, at);

		if (c != '\r' && c != '\n')
			break;
		at++;
		len--;
	}
	begins = len ? http_begins_request(window, at, len) : BEGINS_PERHAPS;
	if (early == EARLY_BEFORE) {
		scratch->first_seq = first;
	} else {
		if (begins == BEGINS_NOT || !http_tuple_allows(segment, window, at, len, begins))
			return false;
		scratch->first_seq = segment->seq + before;
	}
	if (own_conn_is(&segment->key))
		return false;
	if (!http_is_translated(segment, window, &other))
		return true;
	struct http_tuple translated = {.client = segment->from & 1, .state = TUPLE_TRANSLATED};
	http_tuple_mark(&segment->key, &translated);
	http_note_answered(&other, segment);
	return false;
}

/* As segment_read(); a function of its own, so that its stack is free again for what follows. */
__noinline int http_segment_read(packet_t *packet, __u32 network, __u32 ethertype,
				 struct segment *segment)
{
	return packet && segment && segment_read(packet, network, ethertype, segment);
}

/*
 * The locked entry that a segment belongs to, whatever it is by now; see http_conn_is(). NULL: it belongs to none, or that
 * could not be had, which is counted.
 */
static __always_inline struct http_conn *http_conn_take(packet_t *packet, struct segment *segment,
							const struct http_scratch *scratch)
{
	struct http_conn *conn = bpf_map_lookup_elem(&http_conns, &segment->key);
	bool made = false;

	if (!conn) {
		segment->now_ns = bpf_ktime_get_ns();
		if (!http_is_new_request(packet, segment))
			return NULL;
		conn = http_conn_create(&segment->key);
		if (!conn)
			return NULL;
		made = true;
	}
	if (!http_lock(conn)) {
		http_unread();
		return NULL;
	}
	/* After the lock, so that the times of a transaction are in order. */
	segment->now_ns = bpf_ktime_get_ns();
	if (made && conn->life == CONN_NEW)
		http_conn_fill(conn, segment, scratch->first_seq);
	return conn;
}

/* Reads on from the segment that is in the scratch. */
static __always_inline void http_follow(packet_t *packet)
{
	struct http_scratch *scratch = http_scratch_get();
	struct http_conn *conn = NULL;
	struct segment *segment;
	bool opens = false;

	if (!scratch)
		return;
	segment = &scratch->segment;
	scratch->first_seq = segment->seq;
	if (segment->flags & TCP_SYN)
		opens = http_tuple_syn(segment);
	/* Twice: an entry that was forgotten while its lock was awaited is not in the table any more. */
	for (int i = 0; i < 2; i++) {
		conn = http_conn_take(packet, segment, scratch);
		if (!conn)
			return;
		if (http_conn_is(conn, &segment->key))
			break;
		http_unlock(conn);
		conn = NULL;
	}
	if (!conn) {
		if (segment->len)
			http_unread();
		return;
	}
	if (http_read_segment(packet, conn, segment, opens) == SEGMENT_FORGET)
		http_conn_forget(conn, &segment->key);
	else
		http_unlock(conn);
}

static __always_inline void http_observe(packet_t *packet, __u32 network, __u16 ethertype)
{
	struct http_scratch *scratch = http_scratch_get();

	if (scratch && http_segment_read(packet, network, ethertype, &scratch->segment))
		http_follow(packet);
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

#include "http_cgroup.bpf.h"

struct harvest {
	void *ctx; /* of the program */
	__u64 now_ns;
	__u64 spare_ns; /* also forget connections without an open transaction that have been silent for so long */
	bool all; /* forget everything, without a word: what is open was never observed */
	__u8 pad[7];
};

struct bpf_map;

static long http_harvest_one(struct bpf_map *map, const struct conn_key *map_key,
			     struct http_conn *conn, struct harvest *harvest)
{
	__u64 last_ns = READ_ONCE(conn->last_ns), silent_ns = 0;
	struct conn_key key = *map_key;

	if (last_ns < harvest->now_ns)
		silent_ns = harvest->now_ns - last_ns;
	if (!harvest->all && silent_ns < http_idle_timeout_ns &&
	    (conn->count || silent_ns < harvest->spare_ns))
		return 0;
	/* One connection may fill all pages. When they cannot be sent now, the next run goes on from here. */
	if (!harvest->all && http_batch_flush(harvest->ctx))
		return 1;
	if (atomic_cas(&conn->lock, 0, bpf_get_smp_processor_id() + 1) != 0)
		return 0;
	/* Looked at without the lock it may have begun a transaction since. */
	if (conn->life == CONN_GONE || (!harvest->all && conn->last_ns != last_ns)) {
		http_unlock(conn);
		return 0;
	}
	if (harvest->all) {
		http_end_all(conn, &key, OUTCOME_UNSEEN, harvest->now_ns);
	} else {
		/* What was kept waited in vain. */
		if (conn->flow[ROLE_CLIENT].held || conn->flow[ROLE_SERVER].held)
			http_missed();
		http_finish(conn, &key, HTTP_OUTCOME_TIMEOUT, harvest->now_ns);
	}
	http_conn_forget(conn, &key);
	return 0;
}

/*
 * Ends what has been silent for the idle time-out. Run by user space now and then with BPF_PROG_TEST_RUN. When the table
 * is getting full the argument says how long a connection without an open transaction must have been silent to make
 * room. While paused nobody knows what is silent; what is open then is forgotten on resuming.
 */
SEC("raw_tp")
int http_harvest(struct bpf_raw_tracepoint_args *ctx)
{
	struct harvest harvest = {.ctx = ctx,
				  .now_ns = bpf_ktime_get_ns(),
				  .spare_ns = ctx->args[0]};

	if (!harvest.spare_ns)
		harvest.spare_ns = http_idle_timeout_ns;
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
