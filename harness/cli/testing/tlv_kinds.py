"""A TLV server that owes nothing to Volley, and counts the messages of each kind: their type, and their value in hex.

A message is the length of its value (u32), its type (u32) and the value, big-endian. Each is sent back, but "escape" is
answered by what would act on a terminal. The port is printed once the server listens, and the counts at its end.
"""

import asyncio
import collections

from asyncio_serving import serve_tlv

ESCAPES = "you see \x1b[2J\rnothing\u009b31m\u202e of what was written here".encode()
counts = collections.Counter()


def reply_of(kind, value):
    counts[f"{kind} {value.hex()}"] += 1
    return ESCAPES if value == b"escape" else value


asyncio.run(serve_tlv(reply_of, counts))
