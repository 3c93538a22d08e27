"""What the servers of lines and TLV in this folder share: they say where they listen, and at SIGTERM what they counted."""

import asyncio
import json
import signal


async def serve(handle, counts):
    """Serves connections on a port of the kernel's choice until SIGTERM, then prints the counts as JSON."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()
    print(json.dumps(counts), flush=True)
