"""The application on http.server: see servers/server.ts for what it answers, servers/programs.ts for what it prints."""

import io
import json
import os
import shutil
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, FOLDER = int(sys.argv[1]), sys.argv[2]
PAUSE_SECONDS = 0.1


class Counting:
    """A file of bytes that counts what is read or written."""

    def __init__(self, file):
        self.file = file
        self.bytes = 0

    def read(self, size):
        data = self.file.read(size)
        self.bytes += len(data)
        return data

    def readline(self, limit=-1):
        line = self.file.readline(limit)
        self.bytes += len(line)
        return line

    def write(self, data):
        self.bytes += len(data)
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.rfile, self.wfile = Counting(self.rfile), Counting(self.wfile)

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        self.rfile.bytes = 0
        super().handle_one_request()

    def parse_request(self):
        good = super().parse_request()
        self.request_header_bytes = self.rfile.bytes
        # What goes out before the answer is 100 Continue.
        self.wfile.bytes = 0
        return good

    def end_headers(self):
        super().end_headers()
        self.response_header_bytes = self.wfile.bytes

    def body(self):
        """Reads the request's body. Returns its length, without the framing of chunks."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        length = 0
        while size := int(self.rfile.readline(), 16):
            length += len(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return length

    def answer(self):
        body_bytes = self.body()
        kind, name = self.path.removeprefix("/app").split("?")[0].split("/")[1:3]
        status = 201 if kind == "upload" else 200
        self.send_response(status)
        if self.request_version == "HTTP/1.0" and not self.close_connection:
            self.send_header("Connection", "keep-alive")
        try:
            sent = self.send_body(kind, name)
        except OSError:
            # The client has gone.
            sent = 0
            self.close_connection = True
        self.print(status, body_bytes, sent)

    def send_body(self, kind, name):
        """Sends what is left of the head, and the body. Returns the body's length, without the framing of chunks."""
        head = self.command == "HEAD"
        if kind in ("chunked", "events") and self.request_version == "HTTP/1.1":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            return 0 if head else self.chunks(PAUSE_SECONDS if kind == "events" else 0.001)
        small = b"a few bytes" + self.path.partition("?echo=")[2].encode()
        with open(os.path.join(FOLDER, name), "rb") if kind == "files" else io.BytesIO(small) as body:
            length = body.seek(0, os.SEEK_END)
            body.seek(0)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if not head:
                shutil.copyfileobj(body, self.wfile, 1 << 20)
        return 0 if head else length

    def chunks(self, pause_seconds):
        """Returns the length of the body, without the framing."""
        parts = [b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"]
        for part in parts:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            time.sleep(pause_seconds)
        self.wfile.write(b"0\r\n\r\n")
        return sum(map(len, parts))

    def print(self, status, request_body_bytes, response_body_bytes):
        line = {
            "serverPort": PORT,
            "clientPort": self.client_address[1],
            "method": self.command,
            "path": self.path.split("?")[0],
            "status": status,
            "version": self.request_version.removeprefix("HTTP/"),
            "requestHeaderBytes": self.request_header_bytes,
            "requestBodyBytes": request_body_bytes,
            "responseHeaderBytes": self.response_header_bytes,
            "responseBodyBytes": response_body_bytes,
        }
        os.write(1, (json.dumps(line) + "\n").encode())

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = answer


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


server = Server(("127.0.0.1", PORT), Handler)
os.write(1, b"listening\n")
server.serve_forever()
