"""An SNMP agent (version 2c, community `public`) that knows one object, sysDescr.0, written from RFC 3416.

It reads the BER of each request strictly, counts it, and prints the counts when it is ended by SIGTERM.
"""

import json
import signal
import socket
import threading
import time

counts = {"requests": 0, "bad": 0}
sys_descr = bytes([0x2B, 6, 1, 2, 1, 1, 1, 0])


def take(data, tag):
    """The content of the value at the beginning, which has this tag, and what stands behind it."""
    if data[0] != tag or data[1] > 127 or len(data) < 2 + data[1]:
        raise ValueError(f"expected tag {tag}")
    return data[2 : 2 + data[1]], data[2 + data[1] :]


def value(tag, *contents):
    content = b"".join(contents)
    return bytes([tag, len(content)]) + content


def answer(data):
    message, rest = take(data, 0x30)
    version, message = take(message, 0x02)
    community, message = take(message, 0x04)
    pdu, after = take(message, 0xA0)
    identifier, pdu = take(pdu, 0x02)
    status, pdu = take(pdu, 0x02)
    index, pdu = take(pdu, 0x02)
    bindings, end = take(pdu, 0x30)
    binding, others = take(bindings, 0x30)
    name, null = take(binding, 0x06)
    if rest or after or end or others or null != b"\x05\x00":
        raise ValueError("something is behind a value")
    if (version, community, status, index) != (b"\1", b"public", b"\0", b"\0"):
        raise ValueError("version, community or status")
    found = value(0x04, b"a device") if name == sys_descr else b"\x80\x00"
    bound = value(0x30, value(0x30, value(0x06, name), found))
    reply = value(0xA2, value(0x02, identifier), value(0x02, b"\0"), value(0x02, b"\0"), bound)
    return value(0x30, value(0x02, b"\1"), value(0x04, community), reply)


def serve(agent):
    while True:
        data, sender = agent.recvfrom(65536)
        # An empty one asks whether somebody listens.
        if not data:
            continue
        try:
            reply = answer(data)
        except (ValueError, IndexError):
            counts["bad"] += 1
            continue
        counts["requests"] += 1
        agent.sendto(reply, sender)


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
agent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
agent.bind(("127.0.0.1", 0))
print(f"port {agent.getsockname()[1]}", flush=True)
threading.Thread(target=serve, args=(agent,), daemon=True).start()
signal.sigwait({signal.SIGTERM})
time.sleep(0.3)
print(json.dumps(counts), flush=True)
