"""A server that only listens, as syslog and statsd servers do, and owes nothing to Volley.

It counts lines over TCP, or datagrams over UDP with the argument `udp`, and prints the counts when it is ended by
SIGTERM. With `slow` it reads 64 KiB every 20 ms. A line that begins with `ask` is answered with it.
"""

import asyncio
import json
import signal
import socket
import sys
import threading
import time

from asyncio_serving import serve

counts = {"connections": 0, "lines": 0, "asked": 0, "bytes": 0, "cut": 0}


async def handle(reader, writer):
    counts["connections"] += 1
    try:
        rest = b""
        while data := await reader.read(65536):
            counts["bytes"] += len(data)
            *lines, rest = (rest + data).split(b"\n")
            counts["lines"] += len(lines)
            asked = [line + b"\n" for line in lines if line.startswith(b"ask")]
            counts["asked"] += len(asked)
            if asked:
                writer.write(b"".join(asked))
                await writer.drain()
            if "slow" in sys.argv:
                await asyncio.sleep(0.02)
        counts["cut"] += 1 if rest else 0
    except ConnectionError:
        counts["cut"] += 1
    finally:
        writer.close()


def serve_datagrams():
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sink.bind(("127.0.0.1", 0))
    print(f"port {sink.getsockname()[1]}", flush=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def count():
        while True:
            datagram = sink.recv(65536)
            counts["bytes"] += len(datagram)
            # An empty one asks whether somebody listens.
            counts["lines"] += 1 if datagram else 0

    threading.Thread(target=count, daemon=True).start()
    signal.sigwait({signal.SIGTERM})
    # What has come in and is not read yet.
    time.sleep(0.3)
    print(json.dumps(counts), flush=True)


if "udp" in sys.argv:
    serve_datagrams()
else:
    asyncio.run(serve(handle, counts))
