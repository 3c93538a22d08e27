"""aiosmtpd's server, which takes every mail for the domain volley.test and keeps none; it prints its counts at SIGTERM."""

import asyncio
import json
import signal

from aiosmtpd.smtp import SMTP

counts = {"mails": 0, "bytes": 0, "recipients": 0, "subjects": 0}


class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if not address.endswith("@volley.test"):
            return "550 we do not relay"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        counts["mails"] += 1
        counts["bytes"] += len(envelope.content)
        counts["recipients"] += len(envelope.rcpt_tos)
        counts["subjects"] += envelope.content.count(b"\r\nSubject: ")
        return "250 OK"


async def main():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: SMTP(Sink(), hostname="volley.test", loop=loop), "127.0.0.1", 0)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    print(json.dumps(counts), flush=True)


asyncio.run(main())
