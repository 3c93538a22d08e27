"""An echo server of lines for one client at a time, which takes a moment for each reply.

It counts the lines, and those of them that came although one before them had no reply yet. The port is printed once the
server listens, and what it has counted when it is ended by SIGTERM.
"""

import json
import os
import signal
import socket
import time

REPLY_SECONDS = 0.02
counts = {"lines": 0, "early": 0, "texts": []}


def stop(*_):
    print(json.dumps(counts), flush=True)
    os._exit(0)


def has_more(connection):
    try:
        return len(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)) > 0
    except BlockingIOError:
        return False


def serve(connection):
    held = b""
    while True:
        piece = connection.recv(4096)
        if not piece:
            return
        *lines, held = (held + piece).split(b"\n")
        for index, line in enumerate(lines):
            counts["lines"] += 1
            counts["texts"].append(line.decode())
            time.sleep(REPLY_SECONDS)
            if index + 1 < len(lines) or has_more(connection):
                counts["early"] += 1
            connection.sendall(line + b"\n")


signal.signal(signal.SIGTERM, stop)
listener = socket.create_server(("127.0.0.1", 0))
print("port %d" % listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    with connection:
        try:
            serve(connection)
        except ConnectionError:
            pass
