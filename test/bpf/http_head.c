// SPDX-License-Identifier: Apache-2.0
/* The parser's primitives, against the obvious way to say the same. */
#include "../../bpf/http_head.bpf.h"
#include "check.h"

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
		{"5 ", 5},
		{"5\t ", 5},
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
		{"GET /", 3},	      {"get /", 3},
		{"M-SEARCH *", 8},    {"VERSION-CONTROL /", 15},
		{"A_B2 /", 4},	      {"SIXTEENLETTERSXX /", 0},
		{" GET /", 0},	      {"GET\t/", 0},
		{"GET:/ ", 0},	      {"HTTP/1.1 200", 0},
		{"G\xc3T /", 0},      {"G[T /", 0},
		{"G`T /", 0},	      {"G{T /", 0},
		{"G@T /", 0},	      {"\r\nGET /", 0},
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

static void queries(void)
{
	for (__u32 len = 0; len < 260; len++) {
		for (__u32 at = 0; at < 200; at += 3) {
			fill('a');
			window.bytes[HTTP_CARRY + at] = '?';
			__u32 found = http_find_query(&window, HTTP_CARRY, len);
			__u32 expected = at < len && at <= HTTP_TARGET_MAX ? at : len;
			check(found == expected, "`?` at %u of %u is found at %u", at, len, found);
		}
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

int main(void)
{
	the_first_matching_byte_of_a_word();
	line_ends();
	lengths();
	methods();
	queries();
	status_lines();
	return checks_end("http_head");
}
