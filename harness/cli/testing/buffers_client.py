"""A client that sends a line, reads it back, and asks the kernel for the buffers of the server's side of its connection."""

import json
import socket
import sys

from sock_diag import buffers_of

port = int(sys.argv[1])
with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
    connection.sendall(b"hello\n")
    reply = connection.makefile("rb").readline().decode()
    buffers = buffers_of(port, connection.getsockname()[1])

print(json.dumps({"reply": reply, "buffers": buffers}), flush=True)
