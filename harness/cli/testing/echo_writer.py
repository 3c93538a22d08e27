"""A client that writes without waiting, as the experiments on sticky and split packets do.

It sends numbered messages of 25 bytes one after another, each with a call of its own, and only then reads until as many
bytes have come back. It prints what it has sent and received.
"""

import json
import socket
import sys

port, count = int(sys.argv[1]), int(sys.argv[2])
messages = ["message %03d of the client" % number for number in range(count)]
sent = "".join(messages)

with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for message in messages:
        connection.sendall(message.encode())
    received = b""
    while len(received) < len(sent):
        piece = connection.recv(4096)
        if not piece:
            break
        received += piece

print(json.dumps({"messages": count, "bytesSent": len(sent), "sent": sent, "received": received.decode()}), flush=True)
