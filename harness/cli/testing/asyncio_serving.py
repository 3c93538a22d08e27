"""What the servers of lines and TLV in this folder share: they say where they listen, and at SIGTERM what they counted."""

import asyncio
import json
import signal
import struct


async def serve(handle, counts):
    """Serves connections on a port of the kernel's choice until SIGTERM and their end, then prints the counts as JSON."""
    stop = asyncio.Event()
    open_connections = set()

    async def handle_one(reader, writer):
        task = asyncio.current_task()
        open_connections.add(task)
        try:
            await handle(reader, writer)
        finally:
            open_connections.discard(task)

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(handle_one, "127.0.0.1", 0)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()
    # What the client has sent by now is read to its end.
    if open_connections:
        await asyncio.wait(open_connections, timeout=10)
    print(json.dumps(counts), flush=True)


TLV_LENGTH_MAX = 1024 * 1024


async def serve_tlv(reply_of, counts):
    """Serves messages of TLV: the length of the value (u32), its type (u32) and the value, big-endian.

    `reply_of(kind, value)` is the value of the reply, which has the type of the request, or None to close the connection.
    """

    async def handle(reader, writer):
        if "connections" in counts:
            counts["connections"] += 1
        try:
            while True:
                length, kind = struct.unpack("!II", await reader.readexactly(8))
                if length > TLV_LENGTH_MAX:
                    break
                reply = reply_of(kind, await reader.readexactly(length))
                if reply is None:
                    break
                writer.write(struct.pack("!II", len(reply), kind) + reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    await serve(handle, counts)
