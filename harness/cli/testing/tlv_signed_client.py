"""A TLV client whose messages begin with their signature; it owes nothing to Volley, and is written from the format.

A message is a length (u32), a type (u32), the HMAC-SHA1 of the body (20 bytes) and the body, big-endian; the length counts
signature and body. Each of the workers connects, sends "hello world" with type 1 and reads the reply, as often as it is
told. Arguments: port, key, workers, messages for each worker. What was counted is printed at the
end.
"""

import hashlib
import hmac
import json
import socket
import struct
import sys
import threading

PORT, WORKERS, MESSAGES = int(sys.argv[1]), int(sys.argv[3]), int(sys.argv[4])
KEY = sys.argv[2].encode()
SIGNATURE_BYTES = 20
counts = {"sent": 0, "replies": 0, "badSignatures": 0, "otherTypes": 0, "closed": 0}
bodies = {}
lock = threading.Lock()


def count(name):
    with lock:
        counts[name] += 1


def take(stream, length):
    data = stream.read(length)
    if len(data) < length:
        raise ConnectionError("closed by the server")
    return data


def work():
    with socket.create_connection(("127.0.0.1", PORT)) as connection, connection.makefile("rb") as stream:
        body = b"hello world"
        signed = hmac.new(KEY, body, hashlib.sha1).digest() + body
        try:
            for _ in range(MESSAGES):
                connection.sendall(struct.pack("!II", len(signed), 1) + signed)
                count("sent")
                length, kind = struct.unpack("!II", take(stream, 8))
                signature = take(stream, SIGNATURE_BYTES)
                answer = take(stream, length - SIGNATURE_BYTES)
                if not hmac.compare_digest(signature, hmac.new(KEY, answer, hashlib.sha1).digest()):
                    count("badSignatures")
                if kind != 1:
                    count("otherTypes")
                count("replies")
                with lock:
                    bodies[answer.decode()] = bodies.get(answer.decode(), 0) + 1
        except ConnectionError:
            count("closed")


threads = [threading.Thread(target=work) for _ in range(WORKERS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({**counts, "bodies": bodies}), flush=True)
