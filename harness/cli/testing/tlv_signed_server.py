"""A TLV server whose messages begin with their signature; it owes nothing to Volley, and is written from the format.

A message is a length (u32), a type (u32), the HMAC-SHA1 of the body (20 bytes) and the body, big-endian; the length counts
signature and body. Type 1 is answered with "server", every other type with its own body. A wrong signature closes the
connection. Arguments: the key, and the key for replies if it is another. The port is printed once the server listens, and
what it has counted when it is ended by SIGTERM.
"""

import asyncio
import hashlib
import hmac
import struct
import sys

from asyncio_serving import serve

LENGTH_MAX = 1024 * 1024
SIGNATURE_BYTES = 20
KEY = sys.argv[1].encode()
REPLY_KEY = sys.argv[-1].encode()
counts = {"connections": 0, "requests": 0, "bytesIn": 0, "badSignatures": 0}


async def handle(reader, writer):
    counts["connections"] += 1
    try:
        while True:
            length, kind = struct.unpack("!II", await reader.readexactly(8))
            if not SIGNATURE_BYTES <= length <= LENGTH_MAX:
                break
            signature = await reader.readexactly(SIGNATURE_BYTES)
            body = await reader.readexactly(length - SIGNATURE_BYTES)
            if not hmac.compare_digest(signature, hmac.new(KEY, body, hashlib.sha1).digest()):
                counts["badSignatures"] += 1
                break
            counts["requests"] += 1
            counts["bytesIn"] += 8 + length
            answer = b"server" if kind == 1 else body
            signed = hmac.new(REPLY_KEY, answer, hashlib.sha1).digest() + answer
            writer.write(struct.pack("!II", len(signed), kind) + signed)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


asyncio.run(serve(handle, counts))
