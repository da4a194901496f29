// SPDX-License-Identifier: Apache-2.0
/* What one CPU finds of a connection's entry while another one is about to fill it. */
#include "../../ffi/http_native.c"

#include "packet.h"

static int take(void *context, const struct batch *batch, uint32_t bytes)
{
	return 0;
}

static void pass(__u8 flags, __u32 seq, const char *text)
{
	struct shape shape = plain;

	shape.flags = flags;
	shape.seq = seq;
	shape.payload = strlen(text);
	struct made *made = make_packet(&shape);
	memcpy(made->bytes + made->payload, text, shape.payload);
	http_native_packet(made->bytes, made->len, ETHERTYPE_IPV4, 1);
}

/* The other CPU is between http_conn_create() and the lock: what passes here meanwhile must not end what it makes. */
static void an_entry_is_filled_by_who_made_it(void)
{
	static const __u8 flags[] = {TCP_FIN | TCP_ACK, TCP_RST, TCP_ACK};
	struct http_native_options options = {0};
	struct shape shape = plain;
	struct segment segment;

	for (__u32 i = 0; i < sizeof(flags); i++) {
		struct http_conn *made;

		http_native_open(&options, take, NULL);
		check(read_whole(make_packet(&shape), &shape, &segment), "no segment");
		made = http_conn_create(&segment.key);
		check(made != NULL, "no entry");
		pass(flags[i], plain.seq + 100, flags[i] == TCP_ACK ? "x" : "");
		check(http_native_connections() == 1 && made->life == CONN_NEW && !made->lock,
		      "a segment with flags %#x took it", flags[i]);
		check(http_native_counters()->connection_busy == (flags[i] == TCP_ACK),
		      "a segment with flags %#x: unread %llu", flags[i],
		      http_native_counters()->connection_busy);
		http_native_close();
	}
}

int main(void)
{
	an_entry_is_filled_by_who_made_it();
	return checks_end("http_entry");
}
