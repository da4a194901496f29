// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "fragments.h"

#define FRAGMENT(text)                                                                             \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
#define EIGHT(text) text text text text text text text text

static const struct {
	const char *text;
	uint32_t len;
} fragments[] = {
	FRAGMENT("\r\n"),
	FRAGMENT("\r\n\r\n"),
	/* Whole messages. */
	FRAGMENT("GET / HTTP/1.1\r\n\r\n"),
	FRAGMENT("GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n"),
	FRAGMENT("HEAD / HTTP/1.1\r\n\r\n"),
	FRAGMENT("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"),
	FRAGMENT("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
	FRAGMENT("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"),
	FRAGMENT("CONNECT h:443 HTTP/1.1\r\n\r\n"),
	FRAGMENT("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
	FRAGMENT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
	FRAGMENT("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
	FRAGMENT("HTTP/1.1 200 OK\r\n\r\n"),
	FRAGMENT("HTTP/1.0 200 OK\r\n\r\n"),
	FRAGMENT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	FRAGMENT("HTTP/1.1 204 No Content\r\n\r\n"),
	FRAGMENT("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
	FRAGMENT("HTTP/1.1 100 Continue\r\n\r\n"),
	FRAGMENT("HTTP/1.1 103 Early Hints\r\n\r\n"),
	FRAGMENT("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
	FRAGMENT("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
	/* Heads that go on. */
	FRAGMENT("GET "),
	FRAGMENT("GET / HTTP/1.1\r\n"),
	FRAGMENT("GET http://h/a HTTP/1.1\r\n"),
	FRAGMENT("OPTIONS * HTTP/1.1\r\n"),
	FRAGMENT("VERSION-CONTROL /"),
	FRAGMENT("POST /b HTTP/1.0\r\n"),
	FRAGMENT("CONNECT "),
	FRAGMENT(" HTTP/1.1\r\n"),
	FRAGMENT(" HTTP/1.0\r\n"),
	FRAGMENT(" HTTP/2.0\r\n"),
	FRAGMENT("HTTP/1.1 200 OK\r\n"),
	FRAGMENT("HTTP/1.1 "),
	FRAGMENT("HTTP/1.0 404 Not Found\r\n"),
	FRAGMENT("HTTP/1."),
	/* Fields. */
	FRAGMENT("Content-Length: "),
	FRAGMENT("content-length:"),
	FRAGMENT("Content-Length: 5\r\n"),
	FRAGMENT("Content-Length: 6\r\n"),
	FRAGMENT("Content-Length: 0\r\n"),
	FRAGMENT("Content-Length: 300\r\n"),
	FRAGMENT("Content-Length: 4294967296\r\n"),
	FRAGMENT("Content-Length: 999999999999999999\r\n"),
	FRAGMENT("Content-Length: 9999999999999999999\r\n"),
	FRAGMENT("Content-Length: -1\r\n"),
	FRAGMENT("Transfer-Encoding: chunked\r\n"),
	FRAGMENT("Transfer-Encoding: gzip, chunked\r\n"),
	FRAGMENT("Transfer-Encoding: gzip\r\n"),
	FRAGMENT("transfer-encoding:\tCHUNKED \r\n"),
	FRAGMENT("Host: h.example:8080\r\n"),
	FRAGMENT("Host:"),
	FRAGMENT("User-Agent: curl/8\r\n"),
	FRAGMENT("user-agent:"),
	FRAGMENT("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"),
	FRAGMENT("traceparent:"),
	FRAGMENT(
		"tracestate: rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,a@b=0123456789abcdef,c=d\r\n"),
	FRAGMENT("tracestate:"),
	FRAGMENT("Expect: 100-continue\r\n"),
	FRAGMENT("Upgrade: websocket\r\n"),
	FRAGMENT("Connection: close\r\n"),
	FRAGMENT("X: y\r\n"),
	FRAGMENT("X: y\n"),
	FRAGMENT("a:\r\n obs-fold\r\n"),
	/* Chunks. */
	FRAGMENT("5\r\nhello\r\n"),
	FRAGMENT("5;name=\"value\"\r\nhello\r\n"),
	FRAGMENT("0\r\n\r\n"),
	FRAGMENT("0\r\nTrailer: x\r\n\r\n"),
	FRAGMENT("1\r\nx\r\n"),
	FRAGMENT("00000000000005\r\n"),
	FRAGMENT("ffffffffffffffff\r\n"),
	FRAGMENT("fffffffffffffff\r\n"),
	FRAGMENT("100\r\n"),
	/* What is not HTTP/1.x. */
	FRAGMENT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	FRAGMENT("\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03"),
	FRAGMENT("\x81\x05hello"),
	FRAGMENT("SSH-2.0-OpenSSH_9.6\r\n"),
	FRAGMENT("*2\r\n$4\r\nPING\r\n"),
	FRAGMENT("\0\0\0\4\0\0\0\0\0"),
	/* Long ones. */
	FRAGMENT(EIGHT("12345678")),
	FRAGMENT(EIGHT(EIGHT("abcdefgh"))),
	FRAGMENT("/" EIGHT("segment/") EIGHT("segment/") EIGHT("segment/")),
	FRAGMENT("?" EIGHT("a=b&c=d&")),
	FRAGMENT("Cookie: " EIGHT("0123456789abcdef") EIGHT("0123456789abcdef") "\r\n"),
	FRAGMENT(EIGHT("A: b\r\n")),
	FRAGMENT(EIGHT("\r\n")),
	FRAGMENT(EIGHT("        ")),
};

enum {
	COUNT = sizeof(fragments) / sizeof(*fragments)
};

_Static_assert(FRAGMENT_FIRST + COUNT <= FRAGMENT_REPEAT, "a byte stands for each");

uint32_t fragments_expand(const uint8_t *text, uint32_t len, uint8_t *to, uint32_t max)
{
	const uint8_t *item = NULL;
	uint32_t item_len = 0, used = 0;

	for (uint32_t at = 0; at < len; at++) {
		uint32_t times = 1;

		if (text[at] >= FRAGMENT_REPEAT && text[at] < FRAGMENT_LITERAL) {
			/* It is there once already. */
			times = (2u << (text[at] - FRAGMENT_REPEAT)) - 1;
		} else if (text[at] >= FRAGMENT_FIRST && text[at] < FRAGMENT_REPEAT) {
			uint32_t index = (text[at] - FRAGMENT_FIRST) % COUNT;

			item = (const uint8_t *)fragments[index].text;
			item_len = fragments[index].len;
		} else {
			if (text[at] == FRAGMENT_LITERAL && at + 1 < len)
				at++;
			item = text + at;
			item_len = 1;
		}
		for (; times && item; times--) {
			if (item_len > max - used)
				return used;
			memcpy(to + used, item, item_len);
			used += item_len;
		}
	}
	return used;
}
