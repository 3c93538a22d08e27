"""A TLV server that owes nothing to Volley, and counts the messages of each kind: their type, and their value in hex.

A message is the length of its value (u32), its type (u32) and the value, big-endian. Each is sent back, but "escape" is
answered by what would act on a terminal. The port is printed once the server listens, and the counts at its end.
"""

import asyncio
import collections
import struct

from asyncio_serving import serve

VALUE_BYTES_MAX = 1024 * 1024
ESCAPES = "you see \x1b[2J\rnothing\u009b31m\u202e of what was written here".encode()
counts = collections.Counter()


async def handle(reader, writer):
    try:
        while True:
            length, kind = struct.unpack("!II", await reader.readexactly(8))
            if length > VALUE_BYTES_MAX:
                break
            value = await reader.readexactly(length)
            counts[f"{kind} {value.hex()}"] += 1
            reply = ESCAPES if value == b"escape" else value
            writer.write(struct.pack("!II", len(reply), kind) + reply)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


asyncio.run(serve(handle, counts))
