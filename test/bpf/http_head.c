// SPDX-License-Identifier: Apache-2.0
/* The parser's primitives, against the obvious way to say the same. */
#include "../../bpf/http_conn.bpf.h"

static bool http_capture_query;
static __u32 http_path_max;

#include "../../bpf/http_head.bpf.h"
#include "check.h"
#include "guarded.h"

/* Aligned as map values are. */
static struct http_window window __attribute__((aligned(8)));

static void fill(char c)
{
	memset(&window, c, sizeof(window));
}

static void put(__u32 at, const char *text)
{
	memcpy(window.bytes + at, text, strlen(text));
}

static void the_first_matching_byte_of_a_word(void)
{
	for (__u32 c = 0; c < 256; c++) {
		for (__u32 where = 0; where < 256; where++) {
			/* Neighbours one off are where a borrow would show. */
			__u8 bytes[8];

			for (__u32 i = 0; i < 8; i++)
				bytes[i] = where >> i & 1 ? c : c + (i & 1 ? 1 : -1);
			__u64 match = match_byte(load64(bytes), c);
			check(where ? match && match_index(match) == __builtin_ctz(where) : !match,
			      "byte %#x among %#x", c, where);
		}
	}
}

static void line_ends(void)
{
	for (__u32 at = HTTP_CARRY - 9; at < HTTP_CARRY + 9; at++) {
		for (__u32 lf = at; lf < at + 40; lf++) {
			for (__u32 end = at; end < at + 40; end++) {
				fill('x');
				window.bytes[lf] = '\n';
				window.bytes[lf + 3] = '\n';
				check((__u32)http_find_lf(&window, at, end) ==
					      (lf < end ? lf : end),
				      "LF at %u in [%u, %u)", lf, at, end);
			}
		}
	}
	fill('x');
	check(http_find_lf(&window, 0, WINDOW_BYTES) == WINDOW_BYTES, "a full window without LF");
	window.bytes[WINDOW_BYTES - 1] = '\n';
	check(http_find_lf(&window, 0, WINDOW_BYTES) == WINDOW_BYTES - 1, "LF as the last byte");
	check(http_find_lf(&window, WINDOW_BYTES, WINDOW_BYTES) == WINDOW_BYTES, "nothing left");
	for (__u32 at = WINDOW_BYTES - 20; at < WINDOW_BYTES + 64; at++)
		check(http_find_lf(&window, at, at + 1000) >= (int)at, "a start of %u", at);
}

static void lengths(void)
{
	static const struct {
		const char *text;
		__s64 value;
	} table[] = {
		{"0", 0},
		{"5", 5},
		{"007", 7},
		{"123456789012345678", 123456789012345678},
		{"999999999999999999", 999999999999999999},
		{"1234567890123456789", LENGTH_INVALID},
		{"99999999999999999999999", LENGTH_INVALID},
		{"5 ", LENGTH_INVALID},
		{"5 6", LENGTH_INVALID},
		{"", LENGTH_INVALID},
		{" ", LENGTH_INVALID},
		{"+5", LENGTH_INVALID},
		{"-5", LENGTH_INVALID},
		{"0x10", LENGTH_INVALID},
		{"5,5", LENGTH_INVALID},
		{"5;", LENGTH_INVALID},
		{"\xb5", LENGTH_INVALID},
	};

	for (__u32 i = 0; i < sizeof(table) / sizeof(*table); i++) {
		for (__u32 behind = 0; behind < 2; behind++) {
			/* What stands behind the value is not of it. */
			fill(behind ? '7' : '\r');
			put(300, table[i].text);
			__s64 value = http_parse_length(&window, 300, strlen(table[i].text));
			check(value == table[i].value, "`%s`: %lld", table[i].text, value);
		}
	}
}

static void methods(void)
{
	static const struct {
		const char *text;
		int length;
	} table[] = {
		{"GET /", 3},
		{"get /", 3},
		{"M-SEARCH *", 8},
		{"VERSION-CONTROL /", 15},
		{"A_B2 /", 4},
		{"TWENTY-FOUR-LETTERS-LONG /", 24},
		{"TWENTY-FIVE-LETTERS-LONG! /", 0},
		{" GET /", 0},
		{"GET\t/", 0},
		{"GET:/ ", 0},
		{"HTTP/1.1 200", 0},
		{"G\xc3T /", 0},
		{"G[T /", 0},
		{"G`T /", 3},
		{"G{T /", 0},
		{"G@T /", 0},
		{"\r\nGET /", 0},
		{"\x16\x03\x01 ", 0},
	};

	for (__u32 i = 0; i < sizeof(table) / sizeof(*table); i++) {
		fill(0);
		put(HTTP_CARRY, table[i].text);
		check(http_method_length(&window, HTTP_CARRY) == table[i].length, "`%s`",
		      table[i].text);
	}
	for (__u32 at = WINDOW_BYTES - 40; at < WINDOW_BYTES + 40; at++) {
		fill('A');
		check(http_method_length(&window, at) == 0, "a method without an end at %u", at);
	}
}

static void method_characters(void)
{
	for (__u32 c = 0; c < 256; c++) {
		bool alphanumeric =
			(c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		bool expected = alphanumeric || (c && c < 128 && strchr("!#$%&'*+-.^_`|~", c));

		check(is_method_char(c) == expected, "character %#x", c);
	}
}

/* undecided: as long as no more than so many bytes of it have come, it may begin a request. */
static void beginnings(void)
{
	static const struct {
		const char *text;
		__u32 undecided;
		bool begins;
	} table[] = {
		{"GET / HTTP/1.1\r\n", 4, true},
		{"OPTIONS * HTTP/1.1", 8, true},
		{"GET http://h/ HTTP/1.1", 10, true},
		{"GET a+b-1.c://h/ HTTP/1.1", 13, true},
		{"GET 1http://h/ HTTP/1.1", 4, false},
		{"GET http:/h", 10, false},
		{"GET thirteen-long://h", 16, false},
		{"GET ://h", 4, false},
		{"CONNECT h:443 HTTP/1.1", 8, true},
		{"TWENTY-FOUR-LETTERS-LONG / HTTP/1.1", 25, true},
		{"TWENTY-FIVE-LETTERS-LONG! / HTTP/1.1", 24, false},
		{"GET\t/ HTTP/1.1", 3, false},
		{"\x16\x03\x01", 0, false},
		{" GET /", 0, false},
		{"hello world", 11, false},
	};

	for (__u32 i = 0; i < sizeof(table) / sizeof(*table); i++) {
		for (__u32 len = 1; len <= strlen(table[i].text) && len <= HTTP_PEEK; len++) {
			int decided = table[i].begins ? BEGINS_MESSAGE : BEGINS_NOT;

			fill(0);
			memcpy(window.bytes + HTTP_CARRY, table[i].text, len);
			int begins = http_begins_request(&window, HTTP_CARRY, len);
			check(begins == (len > table[i].undecided ? decided : BEGINS_PERHAPS),
			      "%u bytes of `%s`: %d", len, table[i].text, begins);
		}
	}
	fill(0);
	check(http_begins_request(&window, HTTP_CARRY, 0) == BEGINS_NOT, "nothing");
}

static void responses(void)
{
	static const char text[] = "HTTP/1.1 ";

	for (__u32 wrong = 0; wrong < sizeof(text); wrong++) {
		for (__u32 len = 1; len < sizeof(text); len++) {
			int expected = len < 8 ? BEGINS_PERHAPS : BEGINS_MESSAGE;

			fill('x');
			put(HTTP_CARRY, text);
			if (wrong < 8)
				window.bytes[HTTP_CARRY + wrong] ^= 2;
			check(http_begins_response(&window, HTTP_CARRY, len) ==
				      (wrong < len && wrong < 8 ? BEGINS_NOT : expected),
			      "%u bytes with a wrong one at %u", len, wrong);
		}
	}
}

static void found_bytes(void)
{
	for (__u32 len = 0; len < 260; len++) {
		for (__u32 at = 0; at < 200; at += 3) {
			fill('a');
			window.bytes[HTTP_CARRY + at] = '?';
			__u32 found = http_find(&window, HTTP_CARRY, len, '?');
			check(found == (at < len ? at : len), "`?` at %u of %u is found at %u", at,
			      len, found);
		}
	}
	fill('a');
	check(http_find(&window, WINDOW_BYTES - 4, 4, '?') == 4, "none up to the window's end");
}

struct target_case {
	__u32 path, query; /* bytes; the query with its `?` */
	__u32 path_max;
	bool capture_query;
	__u32 cut; /* the target comes in two parts */
};

static void check_target(const struct target_case *it)
{
	struct http_transaction *transaction = calloc(1, sizeof(*transaction));
	struct http_event *event = &transaction->event;
	char text[HTTP_TARGET_MAX * 4];
	__u32 len = it->path + it->query;
	bool truncated = it->path > it->path_max;
	__u32 path_len = truncated ? it->path_max : it->path, target_len = path_len;

	memset(text, 'q', sizeof(text));
	memset(text, 'p', it->path);
	text[it->path] = '?';
	if (it->capture_query && !truncated)
		target_len += it->query;
	if (target_len > HTTP_TARGET_MAX)
		target_len = HTTP_TARGET_MAX;

	http_path_max = it->path_max;
	http_capture_query = it->capture_query;
	fill('?');
	memcpy(window.bytes + 100, text, it->cut);
	http_append_target(transaction, &window, 100, it->cut);
	fill('?');
	memcpy(window.bytes + 3, text + it->cut, len - it->cut);
	http_append_target(transaction, &window, 3, len - it->cut);

	check(event->path_len == path_len && event->target_len == target_len &&
		      event->flags == (truncated ? HTTP_PATH_TRUNCATED : 0) &&
		      !memcmp(event->target, text, target_len),
	      "a path of %u and a query of %u, cut at %u, path_max %u: %u and %u bytes, flags %u",
	      it->path, it->query, it->cut, it->path_max, event->path_len, event->target_len,
	      event->flags);
	for (__u32 i = target_len; i < HTTP_TARGET_MAX; i++)
		check(!event->target[i], "byte %u behind a target of %u", i, target_len);
	free(transaction);
}

static void targets(void)
{
	static const __u32 sizes[] = {1,
				      2,
				      9,
				      HTTP_TARGET_MAX - 1,
				      HTTP_TARGET_MAX,
				      HTTP_TARGET_MAX + 1,
				      HTTP_TARGET_MAX + 100};
	static const __u32 limits[] = {1, 8, HTTP_TARGET_MAX - 1, HTTP_TARGET_MAX};
	const int count = sizeof(sizes) / sizeof(*sizes);

	for (int path = 0; path < count; path++)
		for (int query = -1; query < count; query++)
			for (__u32 limit = 0; limit < sizeof(limits) / sizeof(*limits); limit++)
				for (__u32 variant = 0; variant < 2; variant++) {
					struct target_case it = {
						.path = sizes[path],
						.query = query < 0 ? 0 : sizes[query],
						.path_max = limits[limit],
						.capture_query = variant,
					};
					for (it.cut = 0; it.cut <= it.path + it.query; it.cut += 7)
						check_target(&it);
				}
}

static void status_lines(void)
{
	static const struct {
		const char *text;
		__u16 status;
	} table[] = {
		{"HTTP/1.1 200 OK", 200}, {"HTTP/1.0 404 Not Found", 404},
		{"HTTP/1.1 999 ", 999},	  {"HTTP/1.1 100", 100},
		{"HTTP/1.1 099 ", 0},	  {"HTTP/1.1 20", 0},
		{"HTTP/1.1  200 ", 0},	  {"HTTP/2.0 200 ", 0},
		{"HTTP/1.2 200 ", 0},	  {"http/1.1 200 ", 0},
		{"HTTP/1.1 2x0 ", 0},	  {"HTTP/1.1 :00 ", 0},
		{"ICY 200 OK     ", 0},
	};
	__u8 version;

	for (__u32 i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct span line = {.at = 300, .len = strlen(table[i].text)};

		fill('0');
		put(300, table[i].text);
		check(read_status_line(&window, line, &version) == table[i].status, "`%s`",
		      table[i].text);
	}
}

struct reading {
	struct http_flow flow;
	struct http_scan scan;
	struct http_transaction transaction;
};

/* Everything that reads a window, at a place and for a length that need not be inside. */
static void read_all(const struct http_window *guarded, struct reading *reading, __u32 at,
		     __u32 len)
{
	struct span span = {.at = at, .len = len};
	__u8 version;

	memset(reading, 0, sizeof(*reading));
	http_find_lf(guarded, at, at + len);
	http_find(guarded, at, len, '?');
	http_count_blanks(guarded, at, len);
	http_trim_end(guarded, at, len);
	http_parse_length(guarded, at, len);
	http_method_length(guarded, at);
	http_begins_scheme(guarded, at, len);
	http_begins_request(guarded, at, len);
	http_begins_response(guarded, at, len);
	read_status_line(guarded, span, &version);
	http_scan_field(guarded, &reading->scan, true, at, len);
	http_take_length(&reading->flow, guarded, at, len);
	http_append_target(&reading->transaction, guarded, at, len);
	/* The second part is written byte by byte. */
	http_append_target(&reading->transaction, guarded, at, len);
	reading->scan.line = at;
	reading->scan.flags = SCAN_REQUEST | SCAN_FIRST;
	http_scan_lines(guarded, &reading->scan, at + len);
	reading->scan = (struct http_scan){.start_line = span,
					   .host = span,
					   .user_agent = span,
					   .traceparent = span,
					   .expect = span,
					   .content_length = span,
					   .other_length = span,
					   .transfer_encoding = span};
	http_take_request(&reading->transaction, guarded, &reading->scan);
	/* What is no request line is the end of it. */
	reading->scan.start_line.len = 0;
	http_take_request(&reading->transaction, guarded, &reading->scan);
	http_take_framing(&reading->flow, guarded, &reading->scan);
}

static void no_read_leaves_the_window(void)
{
	static const char fills[] = {'\n', ' ', 'A', '5', ':', '?', '\xff', 0};
	static const __u32 lengths[] = {0,    1,	  7,	      8,	 16,   24,
					255,  256,	  1023,	      1024,	 1279, WINDOW_BYTES,
					4096, 0x7fffffff, 0xfffffff8, 0xffffffff};
	struct reading *reading = malloc(sizeof(*reading));
	char *start = guarded_pages();
	struct http_window *windows[] = {(void *)start, (void *)(start + GUARDED_MAX -
								 sizeof(struct http_window))};

	http_path_max = HTTP_TARGET_MAX;
	http_capture_query = true;
	for (__u32 side = 0; side < 2; side++)
		for (__u32 fill = 0; fill < sizeof(fills); fill++) {
			memset(windows[side], fills[fill], sizeof(**windows));
			for (__u32 i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
				for (__u32 at = 0; at < sizeof(**windows) + 64; at += 1 + at % 3)
					read_all(windows[side], reading, at, lengths[i]);
				read_all(windows[side], reading, -lengths[i], lengths[i]);
			}
		}
	check(true, "still here");
	free(reading);
}

int main(void)
{
	the_first_matching_byte_of_a_word();
	line_ends();
	lengths();
	methods();
	method_characters();
	beginnings();
	responses();
	found_bytes();
	targets();
	status_lines();
	no_read_leaves_the_window();
	return checks_end("http_head");
}
