// SPDX-License-Identifier: Apache-2.0
/*
 * Scripted conversations and the events that must come of them. Each script is run as it stands, then with its bytes cut
 * into segments in every way that matters, packets repeated, sequence numbers wrapping and the endpoints swapped: the
 * events must be the same.
 */
#include "conversation.h"

enum part_kind {
	PART_END = 0,
	PART_CLIENT,
	PART_SERVER,
	PART_CLIENT_LOST, /* sent, and never seen here */
	PART_SERVER_LOST,
	PART_CLIENT_FIN,
	PART_SERVER_FIN,
	PART_CLIENT_RST,
	PART_SERVER_RST,
	PART_SYN, /* the ports are used for a new connection */
};

struct part {
	enum part_kind kind;
	const char *text;
	__u32 len;
};

#define C(text)                                                                                    \
	{                                                                                          \
		PART_CLIENT, text, sizeof(text) - 1                                                \
	}
#define S(text)                                                                                    \
	{                                                                                          \
		PART_SERVER, text, sizeof(text) - 1                                                \
	}
#define C_LOST(text)                                                                               \
	{                                                                                          \
		PART_CLIENT_LOST, text, sizeof(text) - 1                                           \
	}
#define S_LOST(text)                                                                               \
	{                                                                                          \
		PART_SERVER_LOST, text, sizeof(text) - 1                                           \
	}
#define C_FIN                                                                                      \
	{                                                                                          \
		PART_CLIENT_FIN, "", 0                                                             \
	}
#define S_FIN                                                                                      \
	{                                                                                          \
		PART_SERVER_FIN, "", 0                                                             \
	}
#define C_RST                                                                                      \
	{                                                                                          \
		PART_CLIENT_RST, "", 0                                                             \
	}
#define S_RST                                                                                      \
	{                                                                                          \
		PART_SERVER_RST, "", 0                                                             \
	}
#define NEW_CONNECTION                                                                             \
	{                                                                                          \
		PART_SYN, "", 0                                                                    \
	}

enum {
	PARTS = 12,
	TEXT = 4096,
	/* Once more as itself: how a run differs from the script. */
	WHOLE_ONLY = 1,	   /* what is read depends on where the segments end, by design */
	WITH_QUERY = 2,	   /* http_capture_query is on */
	FIRST_REQUEST = 4, /* nothing was seen of the connection before */
};

struct script {
	const char *says;
	struct part parts[PARTS];
	/* One line per event: METHOD TARGET STATUS VERSION OUTCOME request-body/response-body [texts]. */
	const char *expected;
	__u32 refused;
	__u32 flags;
	const char *known_bug;
};

#define GET	   "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK_5	   "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"
#define CHUNKED	   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define X16	   "xxxxxxxxxxxxxxxx"
#define X64	   X16 X16 X16 X16
#define X256	   X64 X64 X64 X64
#define X1024	   X256 X256 X256 X256
#define A_OK	   "GET /a 200 1.1 complete 0/5 host=h\n"
#define A_204	   "GET /a 204 1.1 complete 0/0 host=h\n"

static const struct script scripts[] = {
	/* How a response ends. */
	{"Content-Length ends a response", {C(GET), S(OK_5 "hello")}, A_OK},
	{"a Content-Length of zero ends it with the head",
	 {C(GET), S("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")},
	 "GET /a 200 1.1 complete 0/0 host=h\n"},
	{"a body in several segments", {C(GET), S(OK_5), S("he"), S("llo")}, A_OK},
	{"the last chunk ends a response", {C(GET), S(CHUNKED "5\r\nhello\r\n0\r\n\r\n")}, A_OK},
	{"chunk sizes are hexadecimal, of any case, with leading zeros",
	 {C(GET), S(CHUNKED "0A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n")},
	 "GET /a 200 1.1 complete 0/21 host=h\n"},
	{"chunk extensions are passed over",
	 {C(GET), S(CHUNKED "5;name=\"a;b\";flag\r\nhello\r\n0 ;last\r\n\r\n")},
	 A_OK},
	{"trailers are passed over",
	 {C(GET), S(CHUNKED "5\r\nhello\r\n0\r\nExpires: never\r\nX: " X64 "\r\n\r\n")},
	 A_OK},
	{"chunks may end in bare LF where the size line does",
	 {C(GET), S(CHUNKED "5\nhello\r\n0\n\n")},
	 A_OK},
	{"a chunk that holds what looks like the end",
	 {C(GET), S(CHUNKED "b\r\n\r\n0\r\n\r\nHTTP\r\n0\r\n\r\n")},
	 "GET /a 200 1.1 complete 0/11 host=h\n"},
	{"chunked wins over Content-Length",
	 {C(GET),
	  S("HTTP/1.1 200 OK\r\nContent-Length: 999\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
	    "5\r\nhello\r\n0\r\n\r\n")},
	 A_OK},
	{"chunked with blanks behind it is chunked",
	 {C(GET),
	  S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked \t\r\n\r\n5\r\nhello\r\n0\r\n\r\n")},
	 A_OK},
	{"HEAD has no body, whatever the length says",
	 {C("HEAD /a HTTP/1.1\r\n\r\n"), S(OK_5), C(GET), S(OK_5 "hello")},
	 "HEAD /a 200 1.1 complete 0/0\n" A_OK},
	{"204 and 304 have no body",
	 {C(GET), S("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), C(GET),
	  S(NO_CONTENT)},
	 "GET /a 304 1.1 complete 0/0 host=h\n" A_204},
	{"an interim response is not the response",
	 {C(GET),
	  S("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" OK_5
	    "hello")},
	 A_OK},
	{"the end of the connection ends a body without a length",
	 {C(GET), S("HTTP/1.1 200 OK\r\n\r\nsome bytes"), S(" more"), S_FIN},
	 "GET /a 200 1.1 complete 0/15 host=h\n"},
	{"HTTP/1.0 without a length",
	 {C("GET /a HTTP/1.0\r\n\r\n"), S("HTTP/1.0 200 OK\r\n\r\nbytes"), S_FIN, C_FIN},
	 "GET /a 200 1.0 complete 0/5\n"},
	{"101 ends the transaction, and what follows is not HTTP",
	 {C("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
	  S("HTTP/1.1 101 Switching Protocols\r\n\r\n"), C(GET), S(OK_5 "hello"),
	  C("\x81\x05hello")},
	 "GET /ws 101 1.1 upgraded 0/0\n"},
	{"CONNECT opens a tunnel",
	 {C("CONNECT h:443 HTTP/1.1\r\n\r\n"), S("HTTP/1.1 200 Connected\r\n\r\n"), C(GET),
	  S(OK_5 "hello")},
	 "CONNECT h:443 200 1.1 complete 0/0\n"},
	{"a refused CONNECT does not",
	 {C("CONNECT h:443 HTTP/1.1\r\n\r\n"), S("HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno"),
	  C(GET), S(OK_5 "hello")},
	 "CONNECT h:443 407 1.1 complete 0/2\n" A_OK},
	{"RST ends what is open",
	 {C(GET), S(OK_5 "he"), C_RST},
	 "GET /a 200 1.1 reset 0/2 host=h\n"},
	{"RST before any response", {C(GET), S_RST}, "GET /a 0 1.1 reset 0/0 host=h\n"},
	{"FIN before the body is whole",
	 {C(GET), S(OK_5 "he"), S_FIN},
	 "GET /a 200 1.1 closed 0/2 host=h\n"},
	{"FIN instead of a response", {C(GET), S_FIN}, "GET /a 0 1.1 closed 0/0 host=h\n"},
	{"FIN in the middle of a chunk",
	 {C(GET), S(CHUNKED "5\r\nhe"), S_FIN},
	 "GET /a 200 1.1 closed 0/5 host=h\n"},
	{"the client's FIN does not end a response", {C(GET), C_FIN, S(OK_5 "hello"), S_FIN}, A_OK},
	{"after RST or the last FIN there is nothing more",
	 {C(GET), S(OK_5 "hello"), S_FIN, C_FIN, C_RST},
	 A_OK},
	{"the next request before the end supersedes",
	 {C(GET), S(OK_5 "he"), C("PUT /b HTTP/1.1\r\n\r\n")},
	 "GET /a 200 1.1 superseded 0/2 host=h\n"},
	{"a new connection with the same ports",
	 {C(GET), NEW_CONNECTION, C(GET), S(OK_5 "hello")},
	 "GET /a 0 1.1 closed 0/0 host=h\n" A_OK},
	{"a response without a request is no transaction",
	 {S(OK_5 "hello"), C(GET), S(OK_5 "hello")},
	 A_OK},
	{"a body of unknown length that turns out not to end the connection",
	 {C(GET), S("HTTP/1.1 200 OK\r\n\r\nbytes"), C(GET), S(OK_5 "hello"), C(GET),
	  S(NO_CONTENT)},
	 "GET /a 200 1.1 superseded 0/5 host=h\n" A_OK A_204},

	/* Many on one connection. */
	{"keep-alive",
	 {C(GET), S(OK_5 "hello"), C(GET), S(NO_CONTENT), C(GET),
	  S(CHUNKED "5\r\nhello\r\n0\r\n\r\n"), C("HEAD /b HTTP/1.1\r\n\r\n"), S(OK_5), C(GET),
	  S(OK_5 "hello")},
	 A_OK A_204 A_OK "HEAD /b 200 1.1 complete 0/0\n" A_OK},

	/* Requests. */
	{"a request body of known length",
	 {C("POST /b HTTP/1.1\r\nContent-Length: 7\r\n\r\nGET / H"), S(NO_CONTENT), C(GET),
	  S(OK_5 "hello")},
	 "POST /b 204 1.1 complete 7/0\n" A_OK},
	{"a chunked request body",
	 {C("POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"),
	  S(NO_CONTENT), C(GET), S(OK_5 "hello")},
	 "POST /b 204 1.1 complete 7/0\n" A_OK},
	{"bodies that begin like messages",
	 {C("POST /b HTTP/1.1\r\nContent-Length: 18\r\n\r\n"), C("GET /no HTTP/1.1\r\n"),
	  S("HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n"), S("HTTP/1.1 500 No\r\n\r\n"), C(GET),
	  S(OK_5 "hello")},
	 "POST /b 200 1.1 complete 18/19\n" A_OK},
	{"an early response, before the request body is whole",
	 {C("POST /b HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345"), S(NO_CONTENT), C("67890"),
	  C(GET), S(OK_5 "hello")},
	 "POST /b 204 1.1 complete 5/0\n" A_OK},
	{"the fields that are kept, of any case and with blanks before",
	 {C("GET /a HTTP/1.1\r\nHOST:  example.org:8080\r\nuser-agent:\tcurl/8\r\nAuthorization: Bearer "
	    "secret\r\nTraceParent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n"),
	  S(OK_5 "hello")},
	 "GET /a 200 1.1 complete 0/5 host=example.org:8080 ua=curl/8 "
	 "tp=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n"},
	{"names that only begin or end like a kept one",
	 {C("GET /a HTTP/1.1\r\nHostname: no\r\nX-Host: no\r\nUser-Agents: no\r\nTraceparent2: no\r\n"
	    "Content-Lengths: 9\r\nX-Content-Length: 9\r\n\r\n"),
	  S(OK_5 "hello")},
	 "GET /a 200 1.1 complete 0/5\n"},
	{"blanks behind a value are not of it",
	 {C("GET /a HTTP/1.1\r\nHost: h \t\r\n\r\n"), S(OK_5 "hello")},
	 A_OK},
	{"texts beyond their limit are cut",
	 {C("GET /a HTTP/1.1\r\nHost: " X64 "y\r\nUser-Agent: " X64 X16 "01234567y\r\n\r\n"),
	  S(OK_5 "hello")},
	 "GET /a 200 1.1 complete 0/5 host=" X64 " ua=" X64 X16 "01234567\n"},
	{"empty fields are absent",
	 {C("GET /a HTTP/1.1\r\nHost:\r\nUser-Agent: \r\n\r\n"), S(OK_5 "hello")},
	 "GET /a 200 1.1 complete 0/5\n"},
	{"bytes beyond ASCII are kept as they are",
	 {C("GET /\xc3\xa4\xff\x80 HTTP/1.1\r\nHost: \xe2\x82\xac\r\n\r\n"), S(OK_5 "hello")},
	 "GET /\xc3\xa4\xff\x80 200 1.1 complete 0/5 host=\xe2\x82\xac\n"},
	{"lines may end in bare LF",
	 {C("GET /a HTTP/1.1\nHost: h\n\n"), S("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello")},
	 A_OK},
	{"an empty line before a request is passed over", {C("\r\n" GET), S(OK_5 "hello")}, A_OK},
	{"an empty line behind a request body begins no request",
	 {C("POST /b HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi\r\n"), S(NO_CONTENT), C(GET),
	  S(OK_5 "hello")},
	 "POST /b 204 1.1 complete 2/0\n" A_OK},
	{"methods that nobody registered",
	 {C("x /m HTTP/1.1\r\n\r\n"), S(NO_CONTENT), C("lower /m HTTP/1.1\r\n\r\n"), S(NO_CONTENT)},
	 "x /m 204 1.1 complete 0/0\nlower /m 204 1.1 complete 0/0\n"},
	{"methods of more than letters",
	 {C("M-SEARCH * HTTP/1.1\r\n\r\n"), S(NO_CONTENT), C("VERSION-CONTROL /v HTTP/1.1\r\n\r\n"),
	  S(NO_CONTENT)},
	 "M-SEARCH * 204 1.1 complete 0/0\nVERSION-CONTROL /v 204 1.1 complete 0/0\n"},
	{"the absolute form is kept whole",
	 {C("GET http://h/p HTTP/1.1\r\n\r\n"), S(NO_CONTENT)},
	 "GET http://h/p 204 1.1 complete 0/0\n"},

	/* The query. */
	{"the query is left out",
	 {C("GET /a?token=secret#f HTTP/1.1\r\nHost: h\r\n\r\n"), S(OK_5 "hello")},
	 A_OK},
	{"the query is kept when asked for",
	 {C("GET /a?b=1?c HTTP/1.1\r\nHost: h\r\n\r\n"), S(OK_5 "hello")},
	 "GET /a?b=1?c path=2 200 1.1 complete 0/5 host=h\n",
	 .flags = WITH_QUERY},
	{"an empty query",
	 {C("GET /a? HTTP/1.1\r\n\r\n"), S(NO_CONTENT)},
	 "GET /a 204 1.1 complete 0/0\n"},
	{"an empty path",
	 {C("GET ?b HTTP/1.1\r\n\r\n"), S(NO_CONTENT)},
	 "GET  204 1.1 complete 0/0\n"},
	{"a path of just the limit is whole",
	 {C("GET /" X64 X64 X16 X16 X16 "0123456789abcde HTTP/1.1\r\n\r\n"), S(NO_CONTENT)},
	 "GET /" X64 X64 X16 X16 X16 "0123456789abcde 204 1.1 complete 0/0\n"},
	{"a path of just the limit with a query behind it is whole",
	 {C("GET /" X64 X64 X16 X16 X16 "0123456789abcde?q HTTP/1.1\r\n\r\n"), S(NO_CONTENT)},
	 "GET /" X64 X64 X16 X16 X16 "0123456789abcde 204 1.1 complete 0/0\n"},
	{"a longer path is cut, and says so",
	 {C("GET /" X64 X64 X64 " HTTP/1.1\r\nHost: h\r\n\r\n"), S(OK_5 "hello")},
	 "GET /" X64 X64 X16 X16 X16 "xxxxxxxxxxxxxxx truncated 200 1.1 complete 0/5 host=h\n"},
	{"a query that is cut leaves the path whole",
	 {C("GET /a?" X256 " HTTP/1.1\r\n\r\n"), S(NO_CONTENT)},
	 "GET /a?" X64 X64 X16 X16 X16 "xxxxxxxxxxxxx path=2 204 1.1 complete 0/0\n",
	 .flags = WITH_QUERY},
	{"a request line longer than is ever kept",
	 {C("GET /" X1024 X256 "?" X1024 " HTTP/1.1\r\nHost: h\r\n\r\n"), S(OK_5 "hello")},
	 "GET /" X64 X64 X16 X16 X16 "xxxxxxxxxxxxxxx truncated 200 1.1 complete 0/5 host=h\n"},

	/* Long heads. */
	{"a head of several windows",
	 {C("GET /a HTTP/1.1\r\nA: " X64 "\r\nB: " X64 "\r\nC: " X64 X64 "\r\nD: " X64 X64
	    "\r\nE: " X64 X64 "\r\nF: " X64 X64 "\r\nG: " X64 X64 "\r\nH: " X64 X64
	    "\r\nI: " X64 X64 "\r\nJ: " X64 X64 "\r\nHost: h\r\n\r\n"),
	  S(OK_5 "hello")},
	 A_OK},
	{"a line longer than a segment's window, before what is kept",
	 {C("GET /a HTTP/1.1\r\nCookie: " X1024 X256 "\r\nHost: h\r\n\r\n"), S(OK_5 "hello")},
	 A_OK},
	{"the same with the request line in a segment of its own",
	 {C("GET /a HTTP/1.1\r\n"), C("Cookie: " X1024 X256 "\r\nHost: h\r\n\r\n"),
	  S(OK_5 "hello")},
	 A_OK,
	 .flags = WHOLE_ONLY},
	{"a long line in a response's head",
	 {C(GET),
	  S("HTTP/1.1 200 OK\r\nSet-Cookie: " X1024 X256 "\r\nContent-Length: 5\r\n\r\nhello")},
	 A_OK},
	{"more lines than one round takes",
	 {C("GET /a HTTP/1.1\r\n" X16
	    ":\nb:\nc:\nd:\ne:\nf:\ng:\nh:\ni:\nj:\nk:\nl:\nm:\nn:\no:\np:\nq:\nr:\n"
	    "a:\nb:\nc:\nd:\ne:\nf:\ng:\nh:\ni:\nj:\nk:\nl:\nm:\nn:\no:\np:\nq:\nr:\ns:\nt:\nu:\nv:\nw:\nx:\n"
	    "a:\nb:\nc:\nd:\ne:\nf:\ng:\nh:\ni:\nj:\nk:\nl:\nm:\nn:\no:\np:\nq:\nr:\ns:\nt:\nu:\nv:\nw:\nx:\n"
	    "Host: h\r\n\r\n"),
	  S(OK_5 "hello")},
	 A_OK},
	{"the last of two hosts, whatever windows they come in",
	 {C("GET /a HTTP/1.1\r\nHost: first.example\r\nCookie: " X64 "\r\nHost: h\r\n\r\n"),
	  S(OK_5 "hello")},
	 A_OK},

	/* Loss. */
	{"a gap inside a body of known length",
	 {C(GET), S("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nhello"), S_LOST("lost!"),
	  S("world"), C(GET), S(OK_5 "hello")},
	 "GET /a 200 1.1 complete 0/15 host=h\n" A_OK},
	{"a gap inside a chunk",
	 {C(GET), S(CHUNKED "f\r\nhello"), S_LOST("lost!"), S("world\r\n0\r\n\r\n"), C(GET),
	  S(OK_5 "hello")},
	 "GET /a 200 1.1 complete 0/15 host=h\n" A_OK},
	{"a gap up to the end of a body: the next transaction is whole",
	 {C(GET), S(OK_5 "he"), S_LOST("llo"), C(GET), S(NO_CONTENT)},
	 "GET /a 200 1.1 superseded 0/2 host=h\n" A_204,
	 .flags = WHOLE_ONLY},
	{"a gap up to the end of the last chunk: the next transaction is whole",
	 {C(GET), S(CHUNKED "5\r\nhello\r\n"), S_LOST("0\r\n\r\n"), C(GET), S(NO_CONTENT)},
	 "GET /a 200 1.1 superseded 0/5 host=h\n" A_204,
	 .flags = WHOLE_ONLY},
	{"a gap in a response's head: the next request is read",
	 {C(GET), S_LOST("HTTP/1.1 200"), S(" OK\r\nContent-Length: 0\r\n\r\n"), C(GET),
	  S(OK_5 "hello")},
	 "GET /a 0 1.1 superseded 0/0 host=h\n" A_OK,
	 .refused = 1,
	 .flags = WHOLE_ONLY},
	{"a lost request: the next one is read",
	 {C_LOST(GET), S(OK_5 "hello"), C(GET), S(OK_5 "hello")},
	 A_OK},
	{"a lost response: the next one is read",
	 {C(GET), S_LOST(OK_5 "hello"), C(GET), S(OK_5 "hello")},
	 "GET /a 0 1.1 superseded 0/0 host=h\n" A_OK},

	/* What is not HTTP/1.x. */
	{"a malformed request is refused and counted, and the next one is read",
	 {C("GET /a HTTP/9.9\r\nHost: h\r\n\r\n"), C(GET), S(OK_5 "hello")},
	 A_OK,
	 .refused = 1,
	 .flags = WHOLE_ONLY},
	{"a malformed response is refused and counted, and the next request is read",
	 {C(GET), S("HTTP/1.1 2x0 OK\r\n\r\n"), C(GET), S(OK_5 "hello")},
	 "GET /a 0 1.1 superseded 0/0 host=h\n" A_OK,
	 .refused = 1,
	 .flags = WHOLE_ONLY},
	{"a chunk size that is none is refused",
	 {C(GET), S(CHUNKED "5\r\nhello\r\nzz\r\n"), C(GET), S(OK_5 "hello")},
	 "GET /a 200 1.1 superseded 0/5 host=h\n" A_OK,
	 .refused = 1,
	 .flags = WHOLE_ONLY},
	{"a chunk size beyond 2^60 is refused",
	 {C(GET), S(CHUNKED "fffffffffffffffff\r\nhello"), C(GET), S(OK_5 "hello")},
	 "GET /a 200 1.1 superseded 0/0 host=h\n" A_OK,
	 .refused = 1,
	 .flags = WHOLE_ONLY},
	{"noise between requests is refused",
	 {C("\x16\x03\x01\x02 this is no request at all"), C(GET), S(OK_5 "hello")},
	 A_OK,
	 .refused = 1,
	 .flags = WHOLE_ONLY},
	{"HTTP/2 is refused at its preface",
	 {C("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), C("\0\0\x12\x04\0\0\0\0\0")},
	 "",
	 .refused = 1,
	 .flags = WHOLE_ONLY | FIRST_REQUEST},
	{"a first segment that is no request makes no entry",
	 {C("\x16\x03\x01 a TLS handshake or so"), C("SSH-2.0-OpenSSH_9.2p1\r\n"),
	  S("* OK IMAP4rev1 ready\r\n")},
	 "",
	 .flags = WHOLE_ONLY | FIRST_REQUEST},
	{"text that only looks like a request is refused",
	 {C("EHLO mail.example.org\r\n"), S("250 OK\r\n"), C("MAIL FROM:<a@example.org>\r\n")},
	 "",
	 .refused = 3,
	 .flags = WHOLE_ONLY | FIRST_REQUEST},
	{"the very first request", {C(GET), S(OK_5 "hello")}, A_OK, .flags = FIRST_REQUEST},
};

/* How the bytes of a script are brought. */
struct delivery {
	enum {
		AS_WRITTEN,
		TWICE,	     /* each packet seen on two devices */
		CUT_AT,	     /* each part in two segments, cut at `at` bytes */
		PIECES,	     /* segments of `at` bytes */
		OVERLAPPING, /* segments of `at` bytes, each of which also brings the one before again */
		LATE_COPIES, /* each part once more after the next one: a retransmission */
	} how;
	__u32 at;
	__u8 client;
	__u32 first_seq;
};

static const char *const delivery_names[] = {"as written",   "twice",	       "cut at",
					     "in pieces of", "overlapping by", "with late copies"};

static const char *const outcome_names[] = {"complete",	  "closed",  "reset",
					    "superseded", "timeout", "upgraded"};

static void append(char *to, const char *format, ...)
{
	size_t len = strlen(to);
	va_list args;

	va_start(args, format);
	vsnprintf(to + len, TEXT - len, format, args);
	va_end(args);
}

static void describe(char *to, const struct http_event *event)
{
	append(to, "%.*s %.*s ", event->method_len, event->method, event->target_len,
	       event->target);
	if (event->path_len != event->target_len)
		append(to, "path=%u ", event->path_len);
	if (event->flags & HTTP_PATH_TRUNCATED)
		append(to, "truncated ");
	append(to, "%u %s %s %llu/%llu", event->status,
	       event->version == 2   ? "1.1"
	       : event->version == 1 ? "1.0"
				     : "?",
	       outcome_names[event->outcome], event->request_body_bytes,
	       event->response_body_bytes);
	if (event->host_len)
		append(to, " host=%.*s", event->host_len, event->host);
	if (event->user_agent_len)
		append(to, " ua=%.*s", event->user_agent_len, event->user_agent);
	if (event->traceparent_len)
		append(to, " tp=%.*s", event->traceparent_len, event->traceparent);
	append(to, "\n");
}

static void deliver(struct conversation *talk, enum http_role role, const char *text, __u32 len,
		    struct delivery delivery)
{
	__u32 seq = talk->next_seq[role];
	__u32 step = len;

	if (delivery.how == PIECES || delivery.how == OVERLAPPING)
		step = delivery.at;
	for (__u32 at = 0, piece; at < len; at += piece) {
		__u32 back = delivery.how == OVERLAPPING && at ? step : 0;

		piece = step;
		if (delivery.how == CUT_AT && at < delivery.at && delivery.at < len)
			piece = delivery.at - at;
		if (piece > len - at)
			piece = len - at;
		for (int copy = 0; copy <= (delivery.how == TWICE); copy++)
			conversation_deliver(talk, role, seq + at - back, text + at - back,
					     piece + back, TCP_ACK);
	}
	talk->next_seq[role] += len;
}

static void play(struct conversation *talk, const struct script *script, struct delivery delivery)
{
	static const __u8 flags_of[] = {[PART_CLIENT_FIN] = TCP_FIN | TCP_ACK,
					[PART_SERVER_FIN] = TCP_FIN | TCP_ACK,
					[PART_CLIENT_RST] = TCP_RST,
					[PART_SERVER_RST] = TCP_RST};
	const struct part *late = NULL;
	__u32 late_seq = 0;

	for (const struct part *part = script->parts; part->kind != PART_END; part++) {
		enum http_role role = ROLE_CLIENT;

		switch (part->kind) {
		case PART_SERVER:
			role = ROLE_SERVER;
			/* fall through */
		case PART_CLIENT:
			deliver(talk, role, part->text, part->len, delivery);
			break;
		case PART_SERVER_LOST:
			role = ROLE_SERVER;
			/* fall through */
		case PART_CLIENT_LOST:
			talk->next_seq[role] += part->len;
			break;
		case PART_SYN:
			talk->next_seq[ROLE_CLIENT] += 12345678;
			talk->next_seq[ROLE_SERVER] -= 23456789;
			conversation_deliver(talk, ROLE_CLIENT, talk->next_seq[ROLE_CLIENT], "", 0,
					     TCP_SYN);
			conversation_deliver(talk, ROLE_SERVER, talk->next_seq[ROLE_SERVER], "", 0,
					     TCP_SYN | TCP_ACK);
			late = NULL;
			continue;
		default:
			role = part->kind == PART_SERVER_FIN || part->kind == PART_SERVER_RST;
			for (int copy = 0; copy <= (delivery.how == TWICE); copy++)
				conversation_deliver(talk, role, talk->next_seq[role], "", 0,
						     flags_of[part->kind]);
			continue;
		}
		if (delivery.how != LATE_COPIES)
			continue;
		/* Only while the connection lives: a copy that comes later is another test's matter. */
		if (late && talk->known)
			conversation_deliver(talk, late->kind == PART_SERVER, late_seq, late->text,
					     late->len, TCP_ACK);
		late = part->kind == PART_CLIENT || part->kind == PART_SERVER ? part : NULL;
		late_seq = talk->next_seq[role] - part->len;
	}
}

/* Runs a script one way. Returns whether all that came was as expected; says what was not when `aloud`. */
static bool run(const struct script *script, struct delivery delivery, bool aloud)
{
	static struct conversation talk;
	char found[TEXT] = "", name[160];
	bool fine = true;

	snprintf(name, sizeof(name), "%s [%s %u, client %u, from %#x]", script->says,
		 delivery_names[delivery.how], delivery.at, delivery.client, delivery.first_seq);
	http_capture_query = script->flags & WITH_QUERY;
	conversation_begin(&talk, delivery.client, delivery.first_seq, delivery.first_seq * 7);
	if (!(script->flags & FIRST_REQUEST)) {
		static const char request[] = "OPTIONS * HTTP/1.1\r\n\r\n", response[] = NO_CONTENT;

		deliver(&talk, ROLE_CLIENT, request, sizeof(request) - 1, (struct delivery){});
		deliver(&talk, ROLE_SERVER, response, sizeof(response) - 1, (struct delivery){});
		fine &= talk.count == 1;
		talk.count = 0;
	}
	play(&talk, script, delivery);
	for (__u32 i = 0; i < talk.count && i < EVENTS_KEPT; i++) {
		const char *fault = event_fault(&talk.events[i]);

		describe(found, &talk.events[i]);
		if (fault) {
			append(found, "(fault: %s)\n", fault);
			fine = false;
		}
	}
	if (strcmp(found, script->expected))
		fine = false;
	if (delivery.how == AS_WRITTEN && talk.refused != script->refused)
		fine = false;
	if (aloud)
		check(fine, "%s: expected\n%srefused: %u; found\n%srefused: %u", name,
		      script->expected, script->refused, found, talk.refused);
	return fine;
}

/* Every way of delivery that the script allows, until one fails. */
static bool run_all(const struct script *script, bool aloud)
{
	bool whole_only = script->flags & WHOLE_ONLY, fine = true;
	__u32 longest = 0;

	for (const struct part *part = script->parts; part->kind != PART_END; part++)
		longest = part->len > longest ? part->len : longest;
	for (__u8 client = 0; client < 2 && fine; client++) {
		fine &= run(script, (struct delivery){AS_WRITTEN, 0, client, 1000}, aloud);
		fine &= run(script, (struct delivery){TWICE, 0, client, 1000}, aloud);
		fine &= run(script, (struct delivery){LATE_COPIES, 0, client, 1000}, aloud);
		/* The numbers wrap somewhere in the middle. */
		for (__u32 before = 1; before < 256 && fine; before += 5)
			fine &= run(script, (struct delivery){AS_WRITTEN, 0, client, -before},
				    aloud);
	}
	for (__u32 at = 1; at < longest && fine && !whole_only; at++)
		fine &= run(script, (struct delivery){CUT_AT, at, 0, 1000}, aloud);
	for (__u32 at = 1; at < longest && at < 300 && fine && !whole_only; at++) {
		fine &= run(script, (struct delivery){PIECES, at, 1, -100u}, aloud);
		fine &= run(script, (struct delivery){OVERLAPPING, at, 0, 1000}, aloud);
	}
	return fine;
}

static void times_are_those_of_the_packets(void)
{
	static const char get[] = GET, ok[] = OK_5;
	static struct conversation talk;

	conversation_begin(&talk, 0, 1, 1);
	deliver(&talk, ROLE_CLIENT, get, 20, (struct delivery){});
	deliver(&talk, ROLE_CLIENT, get + 20, sizeof(get) - 21, (struct delivery){});
	deliver(&talk, ROLE_SERVER, "HTTP/1.1 100 Continue\r\n\r\n", 25, (struct delivery){});
	deliver(&talk, ROLE_SERVER, ok, sizeof(ok) - 1, (struct delivery){});
	deliver(&talk, ROLE_SERVER, "hello", 5, (struct delivery){});
	deliver(&talk, ROLE_CLIENT, get, sizeof(get) - 1, (struct delivery){});
	conversation_deliver(&talk, ROLE_SERVER, talk.next_seq[ROLE_SERVER], "", 0, TCP_RST);
	if (!check(talk.count == 2, "%u events", talk.count))
		return;
	const struct http_event *first = &talk.events[0], *second = &talk.events[1];
	check(first->start_ns == START_NS + 10 && first->first_byte_ns == START_NS + 40 &&
		      first->end_ns == START_NS + 50,
	      "start, first byte and end are packets 1, 4 and 5, not %llu, %llu, %llu",
	      first->start_ns - START_NS, first->first_byte_ns - START_NS,
	      first->end_ns - START_NS);
	check(second->start_ns == START_NS + 60 && !second->first_byte_ns &&
		      second->end_ns == START_NS + 70,
	      "without a response the end is what ended it");
	check(first->request_header_bytes == sizeof(get) - 1 &&
		      first->response_header_bytes == sizeof(ok) - 1,
	      "header bytes %u and %u", first->request_header_bytes, first->response_header_bytes);
	check(first->client_address[0] == 0xc1 && first->server_address[0] == 0x5e &&
		      first->client_port == 40000 && first->server_port == 40001,
	      "the endpoints are in each other's place");
}

static void an_interim_response_is_no_first_byte(void)
{
	static const char get[] = GET;
	static struct conversation talk;

	conversation_begin(&talk, 0, 1, 1);
	deliver(&talk, ROLE_CLIENT, get, sizeof(get) - 1, (struct delivery){});
	deliver(&talk, ROLE_SERVER, "HTTP/1.1 100 Continue\r\n\r\n", 25, (struct delivery){});
	conversation_deliver(&talk, ROLE_CLIENT, talk.next_seq[ROLE_CLIENT], "", 0, TCP_RST);
	check(talk.count == 1 && !talk.events[0].first_byte_ns,
	      "an interim response is taken for the first byte of the final one");
}

/* A segment as receive offload makes it: more chunks than one segment's rounds. */
static void many_small_chunks_in_one_segment(void)
{
	static const char get[] = GET, head[] = CHUNKED;
	static struct conversation talk;
	static char body[60000];
	__u32 len = 0;

	for (int chunk = 0; chunk < 1000; chunk++)
		len += sprintf(body + len, "a\r\n0123456789\r\n");
	len += sprintf(body + len, "0\r\n\r\n");
	conversation_begin(&talk, 0, 1, 1);
	deliver(&talk, ROLE_CLIENT, get, sizeof(get) - 1, (struct delivery){});
	deliver(&talk, ROLE_SERVER, head, sizeof(head) - 1, (struct delivery){});
	deliver(&talk, ROLE_SERVER, body, len, (struct delivery){});
	check(talk.count == 1 && !talk.refused && talk.events[0].response_body_bytes == 10000,
	      "a segment with a thousand chunks loses the response's end");
}

/* A head up to the limit is followed, whatever its segments; beyond it is refused. */
static void heads_are_bounded(void)
{
	static char head[HTTP_HEAD_MAX + 4096];
	static struct conversation talk;

	for (__u32 size = HTTP_HEAD_MAX - 40; size < HTTP_HEAD_MAX + 40; size++) {
		__u32 len = sprintf(head, "GET /a HTTP/1.1\r\nX: ");

		memset(head + len, 'x', size - len - 4);
		memcpy(head + size - 4, "\r\n\r\n", 4);
		conversation_begin(&talk, 0, 1, 1);
		deliver(&talk, ROLE_CLIENT, head, size, (struct delivery){PIECES, 1448, 0, 0});
		conversation_deliver(&talk, ROLE_CLIENT, talk.next_seq[ROLE_CLIENT], "", 0,
				     TCP_RST);
		check(size <= HTTP_HEAD_MAX ? talk.count == 1 && !talk.refused
					    : talk.count == 0 && talk.refused,
		      "a head of %u bytes: %u events, %u refused", size, talk.count, talk.refused);
	}
}

int main(void)
{
	for (__u32 i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		const struct script *script = &scripts[i];

		if (script->known_bug)
			check_known_bug(run_all(script, false), script->known_bug);
		else
			run_all(script, true);
	}
	times_are_those_of_the_packets();
	an_interim_response_is_no_first_byte();
	many_small_chunks_in_one_segment();
	heads_are_bounded();
	return checks_end("http_flow");
}
