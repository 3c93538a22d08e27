"""A server that answers each line with yes where it is the address of its client, as ip:port, and with no otherwise.

Arguments: tcp or udp, and the address to listen on. Over UDP a datagram is a line. The port is printed once the server
listens, and what it has counted when it is ended by SIGTERM.
"""

import json
import signal
import socket
import socketserver
import sys
import threading

SCHEME, HOST = sys.argv[1:]
counts = {"yes": 0, "no": 0}
lock = threading.Lock()


def verdict(line, address):
    host, port = address[:2]
    shown = "[%s]:%d" % (host, port) if ":" in host else "%s:%d" % (host, port)
    word = "yes" if line.decode(errors="replace").rstrip("\n") == shown else "no"
    with lock:
        counts[word] += 1
    return (word + "\n").encode()


class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            for line in self.rfile:
                self.wfile.write(verdict(line, self.client_address))
        except ConnectionError:
            pass


class Datagrams(socketserver.BaseRequestHandler):
    def handle(self):
        data, server = self.request
        # Volley sends an empty one first, to find out whether anything listens.
        if data:
            server.sendto(verdict(data, self.client_address), self.client_address)


class Server(socketserver.ThreadingTCPServer if SCHEME == "tcp" else socketserver.UDPServer):
    address_family = socket.AF_INET6 if ":" in HOST else socket.AF_INET
    daemon_threads = True
    request_queue_size = 128


# Blocked before threads start, so that none of them receives the signal.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
with Server((HOST, 0), Lines if SCHEME == "tcp" else Datagrams) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("port %d" % server.server_address[1], flush=True)
    signal.sigwait({signal.SIGTERM})
    server.shutdown()
    with lock:
        print(json.dumps(counts), flush=True)
