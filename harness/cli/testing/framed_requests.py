"""A server that takes a 32-bit big-endian length and a body, and answers "received" without any header.

It reads bodies in small pieces, as lessons on TCP do, and prints what it has counted when it is told to stop.
"""

import json
import signal
import socket
import struct
import threading

counts = {"requests": 0, "bytesIn": 0}
lock = threading.Lock()
BODY_MAX = 1 << 20


def read_exactly(connection, size):
    parts = []
    while size > 0:
        piece = connection.recv(min(size, 512))
        if not piece:
            return None
        parts.append(piece)
        size -= len(piece)
    return b"".join(parts)


def serve(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while True:
            header = read_exactly(connection, 4)
            if header is None:
                return
            (size,) = struct.unpack(">i", header)
            if size < 0 or size > BODY_MAX:
                return
            body = read_exactly(connection, size)
            if body is None:
                return
            with lock:
                counts["requests"] += 1
                counts["bytesIn"] += 4 + size
            connection.sendall(b"received")
    except OSError:
        pass
    finally:
        connection.close()


def stop(*_):
    with lock:
        print(json.dumps(counts), flush=True)
    raise SystemExit(0)


signal.signal(signal.SIGTERM, stop)
listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
print(f"port {listener.getsockname()[1]}", flush=True)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
