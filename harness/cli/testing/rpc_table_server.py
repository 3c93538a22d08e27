"""An RPC server that keeps a table of the ids it has seen; it owes nothing to Volley, and is written from the format.

A message is its length (u32, of all that follows), Opaque (u32), CmdType (u8), Version (i16), Extension (i64), BodyLen
(i32) and the body, big-endian. An Opaque from the limit on is replaced by 0, so that no client finds the request of its reply.
The limit is 2^31, or the argument. An Opaque that comes while its request on the same connection is unanswered is counted
as sent twice. Every tenth request of a read is answered after those of the next read, or as soon as nothing more comes.
The reply has the next version, the extension with the other sign, and the same body. The port is printed once the server
listens, and what it has counted when it is ended by SIGTERM.
"""

import select
import socketserver
import struct
import sys
import threading

from threaded_serving import serve

HEAD = struct.Struct("!IIBhqi")
BODY_BYTES_MAX = 2 * 1024 * 1024
QUIET_SECONDS = 0.02
LIMIT = int(sys.argv[1]) if len(sys.argv) > 1 else 2**31
counts = {"connections": 0, "requests": 0, "replaced": 0, "twice": 0, "zero": 0}
table = {}
lock = threading.Lock()


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        with lock:
            counts["connections"] += 1
        data = b""
        held = []
        self.unanswered = set()
        try:
            while True:
                if held and not select.select([self.request], [], [], QUIET_SECONDS)[0]:
                    self.answer(held)
                    held = []
                chunk = self.request.recv(65536)
                if not chunk:
                    break
                messages, data = self.split(data + chunk)
                with lock:
                    for message in messages:
                        self.note(message[0])
                later = [message for index, message in enumerate(messages) if index % 10 == 9]
                self.answer([message for index, message in enumerate(messages) if index % 10 != 9] + held)
                held = later
        except (ConnectionError, ValueError):
            pass

    def note(self, opaque):
        counts["requests"] += 1
        table[opaque] = table.get(opaque, 0) + 1
        if opaque == 0:
            counts["zero"] += 1
        if opaque in self.unanswered:
            counts["twice"] += 1
        self.unanswered.add(opaque)

    def split(self, data):
        messages = []
        at = 0
        while len(data) - at >= HEAD.size:
            total, opaque, kind, version, extension, length = HEAD.unpack_from(data, at)
            if not 0 <= length <= BODY_BYTES_MAX or total != 19 + length:
                raise ValueError("the lengths are not those of a message")
            end = at + HEAD.size + length
            if len(data) < end:
                break
            messages.append((opaque, kind, version, extension, data[at + HEAD.size : end]))
            at = end
        return messages, data[at:]

    def answer(self, messages):
        replies = []
        for opaque, kind, version, extension, body in reversed(messages):
            wanted = opaque
            if opaque >= LIMIT:
                with lock:
                    counts["replaced"] += 1
                wanted = 0
            self.unanswered.discard(opaque)
            replies.append(HEAD.pack(19 + len(body), wanted, kind, version + 1, -extension, len(body)) + body)
        self.request.sendall(b"".join(replies))


serve(Handler, lock, lambda: {**counts, "ids": len(table), "largest": max(table, default=0)})
