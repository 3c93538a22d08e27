"""A TLV server that owes nothing to Volley, written from the description of the format.

A message is the length of its value (u32), its type (u32) and the value, big-endian. Each is sent back. The port is
printed once the server listens, and what it has counted when it is ended by SIGTERM.
"""

import asyncio
import struct

from asyncio_serving import serve

VALUE_BYTES_MAX = 1024 * 1024
counts = {"connections": 0, "requests": 0, "bytesIn": 0}


async def handle(reader, writer):
    counts["connections"] += 1
    try:
        while True:
            length, kind = struct.unpack("!II", await reader.readexactly(8))
            if length > VALUE_BYTES_MAX:
                break
            value = await reader.readexactly(length)
            counts["requests"] += 1
            counts["bytesIn"] += 8 + length
            writer.write(struct.pack("!II", length, kind) + value)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


asyncio.run(serve(handle, counts))
