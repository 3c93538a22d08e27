"""A server of lines that echoes, and tells every client that is online whenever another one has come.

It prints what it has counted when it is told to stop.
"""

import asyncio

from asyncio_serving import serve

counts = {"requests": 0, "notices": 0}
online = set()


async def handle(reader, writer):
    for other in online:
        counts["notices"] += 1
        other.write(b"a new client is online\n")
    online.add(writer)
    try:
        while line := await reader.readline():
            counts["requests"] += 1
            writer.write(line)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        online.discard(writer)
        writer.close()


asyncio.run(serve(handle, counts))
