/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzzer's input as traffic: any bytes are a script, and a script is a row of packets on a few TCP connections whose
 * numbers are nearly those that TCP would have sent, and of what else may happen to the parser.
 *
 * struct script_head, then steps: struct step_head and `text` bytes of text (fragments.h). What is missing at the end is
 * zero. Changing a byte changes one thing; the mutator keeps to the steps.
 */
#ifndef KERNELCAST_FUZZ_SCRIPT_H
#define KERNELCAST_FUZZ_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum script_limits {
	CONNECTIONS = 4,
	/* Bounds the time of a run. */
	SCRIPT_ACTIONS = 768,
	SCRIPT_BYTES = 384 * 1024,
	/* What BPF_PROG_TEST_RUN takes is a page with what the kernel puts around it; the headers come on top. */
	PAYLOAD_MAX = 3072,
};

struct script_head {
	uint8_t settings;		 /* enum script_settings */
	uint8_t limits;			 /* how much the parser's tables hold; see subject.c */
	uint8_t wanted;			 /* enum script_wanted */
	uint8_t connection[CONNECTIONS]; /* enum connection_shape */
};

enum script_settings {
	SETTING_QUERY = 1,	/* capture the query */
	SETTING_SHORT_PATH = 2, /* keep little of a path */
	SETTING_LIES = 4,	/* bytes that are sent again may be others than before */
};

/* What is wanted of the transactions; 0: all. */
enum script_wanted {
	WANTED_SUCCESSES = 1, /* statuses 2xx */
	WANTED_PORT = 2,      /* server's port 80, or 81 */
	WANTED_CLIENT = 4,    /* client's address, to the last bit */
	WANTED_SERVER = 8,    /* server's network of IPv4 10.0.0.0/8 */
};

enum connection_shape {
	SHAPE_IPV6 = 1,
	SHAPE_SWAPPED = 2, /* the server's endpoint sorts first in the key */
	SHAPE_ISN =
		2, /* from this bit on: three bits choose the client's numbers, three the server's */
};

struct step_head {
	uint8_t what;  /* bits 0-1: connection, bit 2: the server sends, bits 3-7: enum step_kind */
	uint8_t how;   /* enum step_how */
	uint8_t order; /* bits 0-2: enum step_seq, bits 3-5: enum step_ack */
	uint8_t number; /* for what asks for one */
	uint8_t layers; /* enum step_layers */
	uint8_t text;	/* bytes that follow */
};

/* In bits 3 to 7 of what; whatever is below STEP_REPEAT is a segment. */
enum step_kind {
	STEP_REPEAT = 22,    /* a packet that came `number` packets before */
	STEP_HANDSHAKE = 23, /* SYN of both sides */
	STEP_RAW = 24,	     /* the text is the packet */
	STEP_SILENCE = 25,   /* shorter than the idle time-out, then the harvest */
	STEP_LONG_SILENCE = 26,
	STEP_SECOND = 27, /* nothing in a second */
	STEP_FLUSH = 28,
	STEP_REFUSE = 29, /* the ring takes no batch for some flushes */
	STEP_FORGET = 30, /* pause and resume */
	STEP_PAUSE = 31,  /* until the next of its kind */
};

enum step_how {
	HOW_FIN = 1,
	HOW_SYN = 2, /* on a connection that was used: with new numbers */
	HOW_RST = 4,
	HOW_NO_ACK = 8,
	HOW_CUT = 16,	      /* in two packets */
	HOW_LATE = 32,	      /* after the next packet */
	HOW_LOST = 64,	      /* sent, got by the other end, and not seen here */
	HOW_TRANSLATED = 128, /* seen on both sides of a NAT */
};

/* Where the segment begins. Below SEQ_BEFORE: where the sender's stream stands. */
enum step_seq {
	SEQ_BEFORE = 4, /* `number` bytes earlier */
	SEQ_BEHIND = 5, /* `number` bytes later */
	SEQ_AGAIN = 6,	/* where the sender's last segment began */
	SEQ_FAR = 7,	/* anywhere; the stream goes on as if it had not been */
};

/* What it acknowledges. Below ACK_PRIOR: all that was sent. */
enum step_ack {
	ACK_PRIOR = 4,	/* all but the last segment */
	ACK_NONE = 5,	/* nothing yet */
	ACK_BEHIND = 6, /* what was not sent */
	ACK_BEFORE = 7, /* `number` bytes fewer */
};

enum step_layers {
	LAYER_VLAN = 1,
	LAYER_QINQ = 2,
	LAYER_IP_OPTIONS = 4, /* IPv6: extension headers */
	LAYER_TCP_OPTIONS = 8,
	LAYER_PADDING = 16,   /* behind the packet */
	LAYER_NO_LENGTH = 32, /* the IP header says 0, as in a super-packet */
	LAYER_CUT_OFF = 64,   /* up to `number` bytes of the packet's end were not captured */
	LAYER_FRAGMENT = 128,
};

enum action_kind {
	ACTION_PACKET,
	ACTION_SILENCE,
	ACTION_LONG_SILENCE,
	ACTION_SECOND,
	ACTION_FLUSH,
	ACTION_REFUSE,
	ACTION_FORGET,
	ACTION_PAUSE,
};

struct action {
	enum action_kind kind;
	uint32_t number;
	/* Of a packet: from its network header on. */
	const uint8_t *bytes;
	uint32_t len;
	uint32_t missing; /* bytes behind them that were not captured */
	uint16_t ethertype;
};

struct script {
	struct script_head head;
	bool strange; /* no two ends that TCP joins could have made it, or not all that they made comes by */
	bool uncut; /* half a segment would be something else: the handshake does not come by, or segments change places */
	uint32_t count;
	struct action actions[SCRIPT_ACTIONS];
	uint32_t bytes_used;
	uint8_t bytes[SCRIPT_BYTES];
};

enum script_form {
	SCRIPT_AS_IT_IS,
	SCRIPT_CUT, /* every segment comes in two */
};

/* Any bytes. The script holds its packets. */
void script_read(struct script *script, const uint8_t *data, size_t size, enum script_form form);

#endif
