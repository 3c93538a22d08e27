"""A line server that records when requests come, and owes nothing to Volley.

Each line is sent back. The port is printed once the server listens, and what it has counted when it is ended by SIGTERM:
how many requests came in the fullest bin of 10 ms, over how many bins all of them are and how many of those have any, and how long each connection paused
between a reply and its next request, as shares of the mean pause.
"""

import asyncio
import json
import signal
import time

BIN_SECONDS = 0.01
arrivals = []
pauses = []
counts = {"connections": 0}


async def handle(reader, writer):
    replied = None
    try:
        while line := await reader.readline():
            now = time.monotonic()
            if replied is None:
                counts["connections"] += 1
            else:
                pauses.append(now - replied)
            arrivals.append(now)
            writer.write(line)
            await writer.drain()
            replied = time.monotonic()
    except ConnectionError:
        pass
    finally:
        writer.close()


def share(condition):
    return sum(map(condition, pauses)) / len(pauses) if pauses else 0


def report():
    bins = {}
    for at in arrivals:
        index = int((at - arrivals[0]) / BIN_SECONDS)
        bins[index] = bins.get(index, 0) + 1
    mean = sum(pauses) / len(pauses) if pauses else 0
    return {
        **counts,
        "requests": len(arrivals),
        "bins": max(bins, default=-1) + 1,
        "usedBins": len(bins),
        "largestBin": max(bins.values(), default=0),
        "pauses": len(pauses),
        "shorterThanHalf": share(lambda pause: pause < mean / 2),
        "longerThanTwice": share(lambda pause: pause > mean * 2),
    }


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1024)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()
    print(json.dumps(report()), flush=True)


asyncio.run(main())
