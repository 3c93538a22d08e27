"""A line server that refuses its clients, and owes nothing to Volley.

The first line of each connection is a handshake, answered with "welcome" or refused; the lines after it are sent back.

  refuse      answers every handshake with "go away"
  close       closes the connection instead of an answer
  after N     refuses the first N handshakes, and takes the others
  restart N   after N requests closes all connections and its port, and listens there again after SECONDS

The port is printed once the server listens, and what it has counted when it is ended by SIGTERM.
"""

import asyncio
import json
import signal
import sys

SECONDS = 1.5
mode = sys.argv[1]
number = int(sys.argv[2]) if len(sys.argv) > 2 else 0
counts = {"handshakes": 0, "welcomed": 0, "requests": 0, "requestsAfterRestart": 0}
writers = set()
state = {"restarted": False}
gone = asyncio.Event()


def welcomes():
    if mode == "restart":
        return True
    return mode == "after" and counts["handshakes"] > number


async def serve(reader, writer):
    if not await reader.readline():
        return
    counts["handshakes"] += 1
    if not welcomes():
        if mode != "close":
            writer.write(b"go away\n")
            await writer.drain()
            # The client closes: were this side the first, the refusal might be lost.
            await reader.read()
        return
    counts["welcomed"] += 1
    writer.write(b"welcome\n")
    while line := await reader.readline():
        counts["requests"] += 1
        counts["requestsAfterRestart"] += state["restarted"]
        if mode == "restart" and counts["requests"] == number:
            gone.set()
        writer.write(line)
        await writer.drain()


async def handle(reader, writer):
    writers.add(writer)
    try:
        await serve(reader, writer)
    except ConnectionError:
        pass
    finally:
        writers.discard(writer)
        writer.close()


async def restart(server, port):
    """Is away for a while, once."""
    await gone.wait()
    server.close()
    for writer in list(writers):
        writer.transport.abort()
    await asyncio.sleep(SECONDS)
    state["restarted"] = True
    return await asyncio.start_server(handle, "127.0.0.1", port)


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"port {port}", flush=True)
    restarting = asyncio.create_task(restart(server, port))
    await stop.wait()
    restarting.cancel()
    print(json.dumps(counts), flush=True)


asyncio.run(main())
