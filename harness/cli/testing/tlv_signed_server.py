"""A TLV server whose messages begin with their signature; it owes nothing to Volley, and is written from the format.

A message is a length (u32), a type (u32), the HMAC-SHA1 of the body (20 bytes) and the body, big-endian; the length counts
signature and body. Type 1 is answered with "server", every other type with its own body. A wrong signature closes the
connection. Arguments: the key, and the key for replies if it is another. The port is printed once the server listens, and
what it has counted when it is ended by SIGTERM.
"""

import asyncio
import hashlib
import hmac
import sys

from asyncio_serving import serve_tlv

SIGNATURE_BYTES = 20
KEY = sys.argv[1].encode()
REPLY_KEY = sys.argv[-1].encode()
counts = {"connections": 0, "requests": 0, "bytesIn": 0, "badSignatures": 0}


def signature(key, body):
    return hmac.new(key, body, hashlib.sha1).digest()


def reply_of(kind, value):
    if len(value) < SIGNATURE_BYTES:
        return None
    body = value[SIGNATURE_BYTES:]
    if not hmac.compare_digest(value[:SIGNATURE_BYTES], signature(KEY, body)):
        counts["badSignatures"] += 1
        return None
    counts["requests"] += 1
    counts["bytesIn"] += 8 + len(value)
    answer = b"server" if kind == 1 else body
    return signature(REPLY_KEY, answer) + answer


asyncio.run(serve_tlv(reply_of, counts))
