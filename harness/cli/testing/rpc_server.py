"""An RPC server that owes nothing to Volley, written from the description of the format.

A message is its length (u32, of all that follows), Opaque (u32), CmdType (u8), Version (i16), Extension (i64), BodyLen
(i32) and the body, big-endian; with the argument "bare" there is no length in front. A login of type 9 with the body
"python:secret" is answered with a token; everything else is sent back, the last of what came in together first. The port
is printed once the server listens, and what it has counted when it is ended by SIGTERM.
"""

import json
import socketserver
import struct
import sys
import threading

from threaded_serving import serve

BARE = sys.argv[1:] == ["bare"]
HEAD = struct.Struct("!IBhqi" if BARE else "!IIBhqi")
BODY_BYTES_MAX = 2 * 1024 * 1024
LOGIN = 9
counts = {"connections": 0, "logins": 0, "requests": 0, "outOfOrder": 0}
lock = threading.Lock()


def pack(opaque, kind, version, extension, body):
    fields = (opaque, kind, version, extension, len(body))
    return HEAD.pack(*(fields if BARE else (19 + len(body), *fields))) + body


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        with lock:
            counts["connections"] += 1
        data = b""
        try:
            while chunk := self.request.recv(65536):
                messages, data = self.split(data + chunk)
                replies = [self.answer(*message) for message in messages]
                with lock:
                    counts["requests"] += len(messages)
                    counts["outOfOrder"] += max(0, len(messages) - 1)
                self.request.sendall(b"".join(reversed(replies)))
        except (ConnectionError, ValueError):
            pass

    def split(self, data):
        messages = []
        while len(data) >= HEAD.size:
            *first, opaque, kind, version, extension, length = HEAD.unpack_from(data)
            if not 0 <= length <= BODY_BYTES_MAX or first not in ([], [19 + length]):
                raise ValueError("the lengths are not those of a message")
            end = HEAD.size + length
            if len(data) < end:
                break
            messages.append((opaque, kind, version, extension, data[HEAD.size : end]))
            data = data[end:]
        return messages, data

    def answer(self, opaque, kind, version, extension, body):
        if kind == LOGIN:
            with lock:
                counts["logins"] += 1
            token = f"t-{self.client_address[1]}" if body == b"python:secret" else None
            body = json.dumps({"access": {"token": token}}).encode()
        return pack(opaque, kind, version, extension, body)


serve(Handler, lock, lambda: counts)
