"""An echo server, and a client that measures its round trips one by one, over TCP or UDP; neither knows of Volley.

round_trips.py server tcp|udp              prints its port, and what it has counted when it is ended by SIGTERM
round_trips.py client tcp|udp BYTES ROUNDS PORT...
                                           sends a message to each port in turn, ROUNDS times; prints for each port its
                                           round trips in nanoseconds, then waits until it is ended
"""

import json
import signal
import socket
import sys
import threading
import time

TIMEOUT_SECONDS = 10
counts = {"connections": 0, "bytesIn": 0, "datagrams": 0}
# Each connection has a thread, and an addition is not atomic.
counting = threading.Lock()


def count(**more):
    with counting:
        for name, number in more.items():
            counts[name] += number


def echo_stream(connection):
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            received = connection.recv(65536)
            if not received:
                return
            count(bytesIn=len(received))
            connection.sendall(received)


def serve_streams():
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"port {listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        count(connections=1)
        threading.Thread(target=echo_stream, args=(connection,), daemon=True).start()


def serve_datagrams():
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    print(f"port {bound.getsockname()[1]}", flush=True)
    while True:
        received, sender = bound.recvfrom(65536)
        count(datagrams=1, bytesIn=len(received))
        bound.sendto(received, sender)


def server(over):
    threading.Thread(target=serve_streams if over == "tcp" else serve_datagrams, daemon=True).start()
    signal.sigwait([signal.SIGTERM])
    print(json.dumps(counts), flush=True)


def connect(over, port):
    kind = socket.SOCK_STREAM if over == "tcp" else socket.SOCK_DGRAM
    opened = socket.socket(socket.AF_INET, kind)
    opened.settimeout(TIMEOUT_SECONDS)
    opened.connect(("127.0.0.1", port))
    if over == "tcp":
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def round_trip(opened, message):
    began = time.monotonic_ns()
    opened.sendall(message)
    received = b""
    while len(received) < len(message):
        part = opened.recv(65536)
        if not part:
            raise EOFError(f"the connection ended after {len(received)} bytes")
        received += part
    ended = time.monotonic_ns()
    if received != message:
        raise ValueError("another message came back")
    return ended - began


def client(over, size, rounds, ports):
    sockets = {port: connect(over, port) for port in ports}
    times = {port: [] for port in ports}
    for number in range(rounds):
        message = bytes((number + index) % 256 for index in range(size))
        for port, opened in sockets.items():
            times[port].append(round_trip(opened, message))
    print(json.dumps(times), flush=True)
    signal.sigwait([signal.SIGTERM])


# Only the main thread waits for the signal; the others would be ended by it.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
if sys.argv[1] == "server":
    server(sys.argv[2])
else:
    client(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), [int(port) for port in sys.argv[5:]])
