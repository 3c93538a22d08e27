"""An echo server of lines that asks the kernel for the buffers of each client's socket, on the other side.

The port is printed once the server listens, and the lines, the bytes and the different buffers of clients that sent
something when it is ended by SIGTERM.
"""

import json
import os
import signal
import socketserver
import threading

from sock_diag import buffers_of

counts = {"requests": 0, "bytesIn": 0, "buffers": []}
lock = threading.Lock()


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        buffers = None
        for number, line in enumerate(self.rfile):
            if number == 0:
                buffers = buffers_of(self.client_address[1], self.server.server_address[1])
            with lock:
                counts["requests"] += 1
                counts["bytesIn"] += len(line)
                if buffers not in counts["buffers"]:
                    counts["buffers"].append(buffers)
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


def stop(*_):
    print(json.dumps(counts), flush=True)
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
with Server(("127.0.0.1", 0), Handler) as server:
    print("port %d" % server.server_address[1], flush=True)
    server.serve_forever()
