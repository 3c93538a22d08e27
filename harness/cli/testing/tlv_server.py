"""A TLV server that owes nothing to Volley, written from the description of the format.

A message is the length of its value (u32), its type (u32) and the value, big-endian. Each is sent back. The port is
printed once the server listens, and what it has counted when it is ended by SIGTERM.
"""

import asyncio

from asyncio_serving import serve_tlv

counts = {"connections": 0, "requests": 0, "bytesIn": 0}


def reply_of(_kind, value):
    counts["requests"] += 1
    counts["bytesIn"] += 8 + len(value)
    return value


asyncio.run(serve_tlv(reply_of, counts))
