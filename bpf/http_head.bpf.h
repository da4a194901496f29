/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Reads a message head (RFC 9112 sections 2 to 5) window by window: finds line ends eight bytes at a time, notes where
 * the few fields of interest lie, then copies those. Pure functions over memory; every text is attacker-controlled.
 *
 * The includer defines, before this file, the settings http_capture_query (keep the query behind the path) and
 * http_path_max (bytes kept of a path, at most HTTP_TARGET_MAX).
 *
 * Each function with a loop is global and not inlined, so that the verifier proves it once, for any arguments, and sees
 * no more of it at its calls than an unknown number (global functions with pointers to memory, Linux 5.12).
 */
#ifndef KERNELCAST_HTTP_HEAD_BPF_H
#define KERNELCAST_HTTP_HEAD_BPF_H

#include "http_conn.bpf.h"

#define BYTES_OF(c) (0x0101010101010101ull * (__u8)(c))

enum {
	WINDOW_BYTES = HTTP_CARRY + HTTP_WINDOW,
	/* A whole window and 64 lines' ends; what has more lines is read in two rounds. */
	SCAN_STEPS = WINDOW_BYTES / 8 + 64,
	MAX_DIGITS = 18,
	/* The longest scheme of an absolute-form target that is looked at. */
	SCHEME_MAX = 12,
	/* CR and LF before a first request that are passed over. */
	HTTP_EMPTY_LINES = 8,
	/* Blanks around a value that are looked at. */
	BLANKS_MAX = 256,
	/* Enough to tell whether a request begins: method, blank, scheme and `://`. */
	HTTP_PEEK = HTTP_EMPTY_LINES + HTTP_METHOD_MAX + 1 + SCHEME_MAX + 3,
};

static __always_inline __u64 window_load(const struct http_window *window, __u32 at)
{
	opaque(at);
	return at <= WINDOW_BYTES ? load64(window->bytes + at) : 0;
}

static __always_inline char window_byte(const struct http_window *window, __u32 at)
{
	opaque(at);
	return at < WINDOW_BYTES ? window->bytes[at] : 0;
}

/* 0x80 at the lowest byte of word that equals c, and perhaps above; 0: none does. */
static __always_inline __u64 match_byte(__u64 word, char c)
{
	__u64 x = word ^ BYTES_OF(c);

	return (x - BYTES_OF(1)) & ~x & BYTES_OF(0x80);
}

/* Index of the lowest byte that match_byte() marked. */
static __always_inline __u32 match_index(__u64 match)
{
	return ((((match & -match) - 1) & BYTES_OF(1)) * BYTES_OF(1) >> 56) - 1;
}

#define WORD8(a, b, c, d, e, f, g, h)                                                              \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 |   \
	 (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)

enum {
	LOWER = 0x20
};

#define MASK_BYTES(n) ((1ull << 8 * (n)) - 1)

static const __u64 NAME_EXPECT = WORD8('e', 'x', 'p', 'e', 'c', 't', ':', 0);
static const __u64 VALUE_100_CONT = WORD8('1', '0', '0', '-', 'c', 'o', 'n', 't');
static const __u64 METHOD_HEAD = WORD8('H', 'E', 'A', 'D', 0, 0, 0, 0);
static const __u64 METHOD_CONNECT = WORD8('C', 'O', 'N', 'N', 'E', 'C', 'T', 0);
static const __u64 NAME_HOST = WORD8('h', 'o', 's', 't', ':', 0, 0, 0);
static const __u64 NAME_USER_AGE = WORD8('u', 's', 'e', 'r', '-', 'a', 'g', 'e');
static const __u64 NAME_NT = WORD8('n', 't', ':', 0, 0, 0, 0, 0);
static const __u64 NAME_TRACEPAR = WORD8('t', 'r', 'a', 'c', 'e', 'p', 'a', 'r');
static const __u64 NAME_TRACESTA = WORD8('t', 'r', 'a', 'c', 'e', 's', 't', 'a');
static const __u64 NAME_TE = WORD8('t', 'e', ':', 0, 0, 0, 0, 0);
static const __u64 NAME_ENT = WORD8('e', 'n', 't', ':', 0, 0, 0, 0);
static const __u64 NAME_CONTENT = WORD8('c', 'o', 'n', 't', 'e', 'n', 't', '-');
static const __u64 NAME_LENGTH = WORD8('l', 'e', 'n', 'g', 't', 'h', ':', 0);
static const __u64 NAME_TRANSFER = WORD8('t', 'r', 'a', 'n', 's', 'f', 'e', 'r');
static const __u64 NAME_ENCODIN = WORD8('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n');
static const __u64 VERSION_1_0 = WORD8('H', 'T', 'T', 'P', '/', '1', '.', '0');
static const __u64 VERSION_1_1 = WORD8('H', 'T', 'T', 'P', '/', '1', '.', '1');

static __always_inline struct span span_after(__u32 at, __u32 len, __u32 skip)
{
	return (struct span){.at = at + skip, .len = len > skip ? len - skip : 0};
}

/* Index of the first LF in window[at, end), or end. */
__noinline int http_find_lf(const struct http_window *window, __u32 at, __u32 end)
{
	if (!window)
		return end;
	for (int i = 0; i <= WINDOW_BYTES / 8; i++) {
		opaque(at);
		if (at >= end || at > WINDOW_BYTES)
			break;
		__u64 match = match_byte(load64(window->bytes + at), '\n');
		if (match) {
			__u32 found = at + match_index(match);
			return found < end ? found : end;
		}
		at += 8;
	}
	return end;
}

/* Notes the line when it is a field of interest. Names are ASCII, any case (RFC 9110 section 5.1). Returns 0. */
__noinline int http_scan_field(const struct http_window *window, struct http_scan *scan,
			       bool request, __u32 at, __u32 len)
{
	if (!window || !scan)
		return 0;
	__u64 first = window_load(window, at) | BYTES_OF(LOWER);
	__u64 second;

	if (first == NAME_CONTENT) {
		second = window_load(window, at + 8) | BYTES_OF(LOWER);
		if ((second & MASK_BYTES(7)) == NAME_LENGTH) {
			scan->other_length = scan->content_length;
			scan->content_length = span_after(at, len, 15);
		}
	} else if (first == NAME_TRANSFER) {
		second = window_load(window, at + 8) | BYTES_OF(LOWER);
		if (second == NAME_ENCODIN)
			scan->transfer_encoding = span_after(at, len, 18);
	} else if (!request) {
		return 0;
	} else if ((first & MASK_BYTES(5)) == NAME_HOST) {
		scan->host = span_after(at, len, 5);
	} else if (first == NAME_USER_AGE) {
		second = window_load(window, at + 8) | BYTES_OF(LOWER);
		if ((second & MASK_BYTES(3)) == NAME_NT)
			scan->user_agent = span_after(at, len, 11);
	} else if (first == NAME_TRACEPAR) {
		second = window_load(window, at + 8) | BYTES_OF(LOWER);
		if ((second & MASK_BYTES(4)) == NAME_ENT)
			scan->traceparent = span_after(at, len, 12);
	} else if (first == NAME_TRACESTA) {
		second = window_load(window, at + 8) | BYTES_OF(LOWER);
		if ((second & MASK_BYTES(3)) == NAME_TE)
			scan->tracestate = span_after(at, len, 11);
	} else if ((first & MASK_BYTES(7)) == NAME_EXPECT) {
		scan->expect = span_after(at, len, 7);
	}
	return 0;
}

#define LETTER(c) (1u << ((c)&31))

/* Does a name of interest begin like this line? Most do not, and a look at one letter is cheaper than a call. */
static __always_inline bool http_may_be_field(const struct http_window *window, bool request,
					      __u32 at)
{
	const __u32 either = LETTER('c') | LETTER('t');
	const __u32 requests = either | LETTER('e') | LETTER('h') | LETTER('u');

	return (request ? requests : either) >> (window_byte(window, at) & 31) & 1;
}

enum scan_flags {
	SCAN_REQUEST = 1, /* note the fields of a request */
	SCAN_FIRST = 2,	  /* the start line is still to come */
	SCAN_SKIP = 4,	  /* the window begins inside a line whose beginning has been read */
};

/*
 * Takes window[scan->line, lf) as a line, as scan->flags say; lf is where its LF stands. Returns true when the scan is over
 * with it.
 */
static __always_inline bool http_scan_line(const struct http_window *window, struct http_scan *scan,
					   __u32 lf)
{
	__u32 line = scan->line, flags = scan->flags, len = lf - line;

	if (len && window_byte(window, lf - 1) == '\r')
		len--;
	scan->line = lf + 1;
	if (flags & SCAN_SKIP) {
		scan->flags = flags & ~SCAN_SKIP;
	} else if (flags & SCAN_FIRST) {
		/* An empty line before the start line is passed over, RFC 9112 section 2.2. */
		if (len) {
			scan->start_line = (struct span){.at = line, .len = len};
			scan->flags = flags & ~SCAN_FIRST;
		}
	} else if (!len) {
		scan->complete = true;
	} else if (http_may_be_field(window, flags & SCAN_REQUEST, line)) {
		http_scan_field(window, scan, flags & SCAN_REQUEST, line, len);
	}
	return scan->complete;
}

/*
 * Scans window[scan->line, end), eight bytes or a line's end at a time. Its state lives in *scan, not in registers: the
 * verifier forgets what it stores there, so that every pass through the loop looks the same to it. Returns 0.
 */
__noinline int http_scan_lines(const struct http_window *window, struct http_scan *scan, __u32 end)
{
	if (!window || !scan)
		return 0;
	scan->at = scan->line;
	for (int i = 0; i < SCAN_STEPS; i++) {
		__u32 at = scan->at;

		opaque(at);
		if (at >= end || at > WINDOW_BYTES)
			return 0;
		__u64 match = match_byte(load64(window->bytes + at), '\n');
		if (!match) {
			scan->at = at + 8;
			continue;
		}
		at += match_index(match);
		scan->at = at + 1;
		if (at >= end || http_scan_line(window, scan, at))
			return 0;
	}
	scan->stopped = true;
	return 0;
}

static __always_inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* How many blanks window[at, at + len) begins with, a few at most. */
__noinline int http_count_blanks(const struct http_window *window, __u32 at, __u32 len)
{
	if (!window)
		return 0;
	for (__u32 i = 0; i < BLANKS_MAX; i++) {
		if (i >= len || !is_blank(window_byte(window, at + i)))
			return i;
	}
	return BLANKS_MAX;
}

/* Length of window[at, at + len) without the blanks at its end, a few at most. */
__noinline int http_trim_end(const struct http_window *window, __u32 at, __u32 len)
{
	if (!window)
		return len;
	for (__u32 i = 0; i < BLANKS_MAX; i++) {
		if (!len || !is_blank(window_byte(window, at + len - 1)))
			break;
		len--;
	}
	return len;
}

/* Takes the blanks around a field's value off (RFC 9110 section 5.5). Mostly there is one before it and none behind. */
static __always_inline struct span span_trim(const struct http_window *window, struct span span)
{
	if (span.len && is_blank(window_byte(window, span.at)))
		span = span_after(span.at, span.len, 1);
	if (span.len && is_blank(window_byte(window, span.at)))
		span = span_after(span.at, span.len, http_count_blanks(window, span.at, span.len));
	if (span.len && is_blank(window_byte(window, span.at + span.len - 1)))
		span.len = http_trim_end(window, span.at, span.len);
	return span;
}

/*
 * Copies window[at, at + len) to where `to` says in the event, word by word: a helper's call costs more for a few bytes.
 * What is behind the text in its last word becomes zero. Returns 0.
 */
__noinline int http_copy_words(struct http_event *event, __u32 to, const struct http_window *window,
			       __u32 at, __u32 len)
{
	if (!event || !window)
		return 0;
	for (__u32 i = 0; i <= HTTP_TARGET_MAX / 8; i++) {
		opaque(at);
		opaque(to);
		if (at > WINDOW_BYTES || to > sizeof(*event) - 8 || !len)
			break;
		__u64 word = load64(window->bytes + at);

		if (len < 8) {
			*(__u64 *)((char *)event + to) = word & MASK_BYTES(len);
			break;
		}
		*(__u64 *)((char *)event + to) = word;
		len -= 8;
		at += 8;
		to += 8;
	}
	return 0;
}

/* Copies a text into a field of max bytes, cut there. had: it holds a text already. Returns the stored length. */
static __always_inline __u32 copy_text(struct http_event *event, char *to, const __u32 max,
				       __u8 had, const struct http_window *window, struct span span)
{
	__u32 len = span.len < max ? span.len : max;

	/* What is behind the text must be zero, and the longer one may have come first. */
	if (had)
		__builtin_memset(to, 0, max);
	if (span.at > WINDOW_BYTES - len)
		return 0;
	http_copy_words(event, to - (char *)event, window, span.at, len);
	return len;
}

enum {
	LENGTH_INVALID = -1
};

/* Decimal digits, nothing else but trailing blanks; LENGTH_INVALID when it is no length that can be trusted. */
static __always_inline __s64 http_parse_length(const struct http_window *window, __u32 at,
					       __u32 len)
{
	__u64 value = 0; /* the one digit too many may overflow it */

	for (__u32 i = 0; i <= MAX_DIGITS; i++) {
		char c = window_byte(window, at + i);
		if (i >= len)
			return i ? value : LENGTH_INVALID;
		if (c < '0' || c > '9')
			return LENGTH_INVALID;
		value = value * 10 + (c - '0');
	}
	return LENGTH_INVALID;
}

/* Is chunked the last transfer coding (RFC 9112 section 6.3)? */
static __always_inline bool last_coding_is_chunked(const struct http_window *window,
						   struct span span)
{
	const __u64 chunked = WORD8('c', 'h', 'u', 'n', 'k', 'e', 'd', 0);

	span.len = http_trim_end(window, span.at, span.len);
	if (span.len < 7)
		return false;
	__u32 at = span.at + span.len - 7;
	char before = window_byte(window, at - 1);
	__u64 word = window_load(window, at) | BYTES_OF(LOWER);
	return (word & MASK_BYTES(7)) == chunked &&
	       (span.len == 7 || before == ',' || before == ' ' || before == '\t');
}

/* RFC 9110 section 5.6.2: tchar, as two sets of 64 bits. */
static __always_inline bool is_method_char(__u8 c)
{
	const __u64 low = 0x03ff6cfa00000000ull, high = 0x57ffffffc7fffffeull;

	return c < 128 && ((c < 64 ? low : high) >> (c & 63) & 1);
}

/* Length of the method token at `at`, 0 when what stands there is not a token and a space (RFC 9110 section 9.1). */
__noinline int http_method_length(const struct http_window *window, __u32 at)
{
	if (!window)
		return 0;
	for (__u32 i = 0; i <= HTTP_METHOD_MAX; i++) {
		char c = window_byte(window, at + i);
		if (c == ' ')
			return i;
		if (!is_method_char(c))
			return 0;
	}
	return 0;
}

enum http_beginning {
	BEGINS_NOT = 0,
	BEGINS_MESSAGE,
	BEGINS_PERHAPS, /* as far as there are bytes */
};

/* Do the bytes window[at, at + len) begin with a scheme and `://`? */
__noinline int http_begins_scheme(const struct http_window *window, __u32 at, __u32 len)
{
	if (!window)
		return BEGINS_NOT;
	for (__u32 i = 0; i <= SCHEME_MAX; i++) {
		__u8 c = window_byte(window, at + i), lower = c | LOWER;

		if (i >= len)
			return BEGINS_PERHAPS;
		if (c == ':') {
			__u64 rest = window_load(window, at + i) & MASK_BYTES(3);
			if (!i)
				return BEGINS_NOT;
			if (rest == WORD8(':', '/', '/', 0, 0, 0, 0, 0))
				return BEGINS_MESSAGE;
			return i + 3 > len ? BEGINS_PERHAPS : BEGINS_NOT;
		}
		if ((lower < 'a' || lower > 'z') &&
		    (!i || ((c < '0' || c > '9') && c != '+' && c != '-' && c != '.')))
			return BEGINS_NOT;
	}
	return BEGINS_NOT;
}

/*
 * Can window[at, at + len) begin a request? A method, a blank and what a target can begin with (RFC 9112 section
 * 3.2): much text of other protocols begins with a word and a blank. Returns enum http_beginning.
 */
__noinline int http_begins_request(const struct http_window *window, __u32 at, __u32 len)
{
	if (!window)
		return BEGINS_NOT;
	__u32 method = http_method_length(window, at);

	if (!method || method >= len) {
		for (__u32 i = 0; i <= HTTP_METHOD_MAX; i++) {
			if (i >= len)
				return i ? BEGINS_PERHAPS : BEGINS_NOT;
			if (!is_method_char(window_byte(window, at + i)))
				return BEGINS_NOT;
		}
		return BEGINS_NOT;
	}
	if (method + 1 >= len)
		return BEGINS_PERHAPS;
	char first = window_byte(window, at + method + 1);
	if (first == '/' || first == '*')
		return BEGINS_MESSAGE;
	if (method == 7 && (window_load(window, at) & MASK_BYTES(7)) == METHOD_CONNECT)
		return BEGINS_MESSAGE;
	return http_begins_scheme(window, at + method + 1, len - method - 1);
}

/* Can window[at, at + len) begin a response (RFC 9112 section 4)? Returns enum http_beginning. */
static __always_inline int http_begins_response(const struct http_window *window, __u32 at,
						__u32 len)
{
	__u64 word = window_load(window, at);

	if (len >= 8)
		return word == VERSION_1_1 || word == VERSION_1_0 ? BEGINS_MESSAGE : BEGINS_NOT;
	__u64 mask = MASK_BYTES(len);
	return (word & mask) == (VERSION_1_1 & mask) || (word & mask) == (VERSION_1_0 & mask)
		       ? BEGINS_PERHAPS
		       : BEGINS_NOT;
}

/* Index of the first `c` in window[at, at + len), or len. */
__noinline int http_find(const struct http_window *window, __u32 at, __u32 len, char c)
{
	if (!window)
		return len;
	for (__u32 i = 0; i <= WINDOW_BYTES; i += 8) {
		if (i >= len)
			break;
		__u64 match = match_byte(window_load(window, at + i), c);
		if (!match)
			continue;
		__u32 found = i + match_index(match);
		return found < len ? found : len;
	}
	return len;
}

/* Puts window[at, at + len) behind what target holds, byte by byte. Returns 0. */
__noinline int http_append_bytes(struct http_event *event, const struct http_window *window,
				 __u32 at, __u32 len)
{
	if (!event || !window)
		return 0;
	for (__u32 i = 0; i < WINDOW_BYTES && i < HTTP_TARGET_MAX; i++) {
		__u32 to = event->target_len + i, from = at + i;

		opaque(to);
		opaque(from);
		if (i >= len || to >= HTTP_TARGET_MAX || from >= WINDOW_BYTES)
			break;
		event->target[to] = window->bytes[from];
	}
	return 0;
}

/* Puts window[at, at + len) behind what target holds, as far as there is room below limit. Returns the bytes taken. */
static __always_inline __u32 http_append_text(struct http_event *event,
					      const struct http_window *window, __u32 at, __u32 len,
					      __u32 limit)
{
	__u32 had = event->target_len;

	if (limit > HTTP_TARGET_MAX)
		limit = HTTP_TARGET_MAX;
	if (had >= limit)
		return 0;
	if (len > limit - had)
		len = limit - had;
	if (had)
		http_append_bytes(event, window, at, len);
	else
		http_copy_words(event, offsetof(struct http_event, target), window, at, len);
	event->target_len = had + len;
	return len;
}

/*
 * Takes window[at, at + len) as the next part of the request target: the path up to http_path_max, then, only if it is
 * wanted, `?` and the query. Returns 0.
 */
__noinline int http_append_target(struct http_transaction *transaction,
				  const struct http_window *window, __u32 at, __u32 len)
{
	if (!transaction || !window)
		return 0;
	struct http_event *event = &transaction->event;

	if (!(transaction->flags & TRANSACTION_QUERY)) {
		__u32 path = http_find(window, at, len, '?');

		if (http_append_text(event, window, at, path, http_path_max) < path)
			event->flags |= HTTP_PATH_TRUNCATED;
		event->path_len = event->target_len;
		if (path == len)
			return 0;
		transaction->flags |= TRANSACTION_QUERY;
		at += path;
		len -= path;
	}
	/* Behind a path that was cut, a query would look like a part of it. */
	if (http_capture_query && !(event->flags & HTTP_PATH_TRUNCATED))
		http_append_text(event, window, at, len, HTTP_TARGET_MAX);
	return 0;
}

enum {
	VERSION_BYTES = 9, /* SP HTTP/1.x */
};

/*
 * method SP target SP HTTP/1.x. Of a line that is not whole the target is read but for what is kept of the line's end.
 * Returns false if it is none.
 */
static __always_inline bool read_request_line(struct http_transaction *transaction,
					      const struct http_window *window, struct span line,
					      bool whole)
{
	__u32 method = http_method_length(window, line.at);
	struct http_event *event = &transaction->event;
	struct span target;

	if (!method || line.len < method + 2)
		return false;
	target = span_after(line.at, line.len, method + 1);
	if (whole) {
		if (target.len < 10)
			return false;
		target.len -= VERSION_BYTES;
		__u64 version = window_load(window, target.at + target.len + 1);
		if ((version != VERSION_1_1 && version != VERSION_1_0) ||
		    window_byte(window, target.at + target.len) != ' ')
			return false;
		event->version = version == VERSION_1_1 ? 2 : 1;
	} else if (target.len > HTTP_CARRY_END) {
		target.len -= HTTP_CARRY_END;
	}
	event->method_len = copy_text(event, event->method, HTTP_METHOD_MAX, 0, window,
				      (struct span){.at = line.at, .len = method});
	http_append_target(transaction, window, target.at, target.len);
	transaction->flags |= TRANSACTION_LINE;
	return true;
}

/* HTTP/1.x SP status. Returns the status, 0 when it is no status line. */
static __always_inline __u16 read_status_line(const struct http_window *window, struct span line,
					      __u8 *version)
{
	__u64 word = window_load(window, line.at);
	__u64 rest = window_load(window, line.at + 8);
	__u8 hundreds = (rest >> 8 & 0xff) - '0', tens = (rest >> 16 & 0xff) - '0',
	     ones = (rest >> 24 & 0xff) - '0';

	if ((word != VERSION_1_1 && word != VERSION_1_0) || line.len < 12 || (rest & 0xff) != ' ')
		return 0;
	if (line.len > 12 && window_byte(window, line.at + 12) != ' ')
		return 0;
	if (hundreds < 1 || hundreds > 9 || tens > 9 || ones > 9)
		return 0;
	*version = word == VERSION_1_1 ? 2 : 1;
	return hundreds * 100 + tens * 10 + ones;
}

/* The version at the end of a request line, or 0 (RFC 9112 section 2.3). end: behind its last byte but CR. */
static __always_inline __u8 read_version(const struct http_window *window, __u32 end)
{
	__u64 word = window_load(window, end - 8);

	if (window_byte(window, end - VERSION_BYTES) != ' ')
		return 0;
	return word == VERSION_1_1 ? 2 : word == VERSION_1_0;
}

/*
 * Takes what a scan of a request found into its transaction. Returns 0, or -1 when the request line is none.
 */
static __always_inline int http_take_request(struct http_transaction *transaction,
					     const struct http_window *window,
					     const struct http_scan *scan)
{
	struct http_event *event = &transaction->event;

	if (scan->start_line.len &&
	    !read_request_line(transaction, window, scan->start_line, !scan->begun))
		return -1;
	if (scan->host.len)
		event->host_len = copy_text(event, event->host, HTTP_HOST_MAX, event->host_len,
					    window, span_trim(window, scan->host));
	if (scan->user_agent.len)
		event->user_agent_len = copy_text(event, event->user_agent, HTTP_USER_AGENT_MAX,
						  event->user_agent_len, window,
						  span_trim(window, scan->user_agent));
	if (scan->traceparent.len)
		event->traceparent_len = copy_text(event, event->traceparent, HTTP_TRACEPARENT_MAX,
						   event->traceparent_len, window,
						   span_trim(window, scan->traceparent));
	if (scan->tracestate.len)
		event->tracestate_len = copy_text(event, event->tracestate, HTTP_TRACESTATE_MAX,
						  event->tracestate_len, window,
						  span_trim(window, scan->tracestate));
	if (scan->expect.len) {
		struct span value = span_trim(window, scan->expect);

		if ((window_load(window, value.at) | BYTES_OF(LOWER)) ==
		    (VALUE_100_CONT | BYTES_OF(LOWER)))
			transaction->flags |= TRANSACTION_EXPECT;
	}
	return 0;
}

/* Takes one Content-Length into the flow; another one that differs makes it worthless (RFC 9112 section 6.3). Returns 0. */
__noinline int http_take_length(struct http_flow *flow, const struct http_window *window, __u32 at,
				__u32 len)
{
	if (!flow || !window)
		return 0;
	struct span digits = span_trim(window, (struct span){.at = at, .len = len});
	__s64 length = http_parse_length(window, digits.at, digits.len);

	if (length == LENGTH_INVALID || (flow->flags & FLOW_HAS_LENGTH && flow->left != length))
		flow->flags |= FLOW_BAD_LENGTH;
	flow->left = length;
	flow->flags |= FLOW_HAS_LENGTH;
	return 0;
}

/* Takes what a scan found of a message's framing into its flow. */
static __always_inline void http_take_framing(struct http_flow *flow,
					      const struct http_window *window,
					      const struct http_scan *scan)
{
	if (scan->other_length.at)
		http_take_length(flow, window, scan->other_length.at, scan->other_length.len);
	if (scan->content_length.at)
		http_take_length(flow, window, scan->content_length.at, scan->content_length.len);
	if (scan->transfer_encoding.len) {
		flow->flags |= FLOW_CODED | FLOW_CHUNKED;
		if (!last_coding_is_chunked(window, scan->transfer_encoding))
			flow->flags &= ~FLOW_CHUNKED;
	}
}

#endif
