"""A server of WebSocket on the package websockets, which echoes texts and bytes.

Every seventh echo goes out in fragments. Before every 50th echo it sends a ping and a text that begins with `tick`.
It prints what it has counted when it is told to stop.
"""

import asyncio
import json
import signal

import websockets

counts = {"connections": 0, "messages": 0, "bytes": 0, "pings": 0, "pongs": 0, "ticks": 0, "fragmented": 0}


async def handle(websocket):
    counts["connections"] += 1
    waiting = []
    try:
        async for message in websocket:
            counts["messages"] += 1
            counts["bytes"] += len(message)
            if counts["messages"] % 50 == 0:
                waiting.append(await websocket.ping(b"\x00\xff ping %d" % counts["messages"]))
                await websocket.send("tick %d" % counts["messages"])
                counts["pings"] += 1
                counts["ticks"] += 1
            if counts["messages"] % 7 == 0:
                third = len(message) // 3
                await websocket.send([message[:third], message[third : 2 * third], message[2 * third :]])
                counts["fragmented"] += 1
            else:
                await websocket.send(message)
    except websockets.ConnectionClosed:
        pass
    finally:
        # Those without a pong have failed with the connection.
        counts["pongs"] += sum(1 for pong in waiting if pong.done() and pong.exception() is None)


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with websockets.serve(handle, "127.0.0.1", 0, compression="deflate", ping_interval=None) as server:
        print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
        await stop.wait()
    print(json.dumps(counts), flush=True)


asyncio.run(main())
