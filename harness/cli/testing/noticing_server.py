"""A server of lines that echoes, and tells every client that is online whenever another one has come.

It prints what it has counted when it is told to stop.
"""

import asyncio
import json
import signal

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


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()
    print(json.dumps(counts), flush=True)


asyncio.run(main())
