"""A TLV client that owes nothing to Volley, written from the description of the format.

A message is the length of its value (u32), its type (u32) and the value, big-endian. It sends as many messages as it is
told under types that take turns, without waiting, reads a reply to each, and prints how many came of each type and text.
"""

import json
import socket
import struct
import sys
from collections import Counter

port, count = int(sys.argv[1]), int(sys.argv[2])
TYPES = (1, 2, 7, 4294967295)


def read_exactly(connection, length):
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise EOFError("closed after %d of %d bytes" % (len(data), length))
        data += piece
    return data


types, texts = Counter(), Counter()
with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
    value = b"hello world"
    for number in range(count):
        connection.sendall(struct.pack("!II", len(value), TYPES[number % len(TYPES)]) + value)
    for number in range(count):
        length, kind = struct.unpack("!II", read_exactly(connection, 8))
        texts[read_exactly(connection, length).decode()] += 1
        types[kind] += 1

print(json.dumps({"sent": count, "types": types, "texts": texts}), flush=True)
