"""A server of small binary formats, written from their documents, which owes nothing to Volley.

The argument names the format: `netstring`, `protobuf`, `thrift`, `modbus` or `fix`. It reads one message at a time, counts
it, and answers; a message that is not as its document says is counted as `bad`, and ends its connection. It prints the
counts when it is ended by SIGTERM.
"""

import asyncio
import struct
import sys
import time

from asyncio_serving import serve

counts = {"messages": 0, "bad": 0}


class Wrong(Exception):
    """A message that is not as its document says."""


def count(what):
    counts[what] = counts.get(what, 0) + 1


def ensure(condition, what):
    if not condition:
        raise Wrong(what)


# Each takes the bytes that are in, and returns how many of them are the first message, or 0, and the reply to it.


def netstring(data):
    """5:hello, and back; a text that begins with ? comes back twice in one."""
    digits, colon, rest = data.partition(b":")
    if not colon:
        ensure(len(data) < 10, "length")
        return 0, b""
    ensure(digits.isdigit() and (digits == b"0" or digits[:1] != b"0"), "length")
    size = int(digits)
    if len(rest) <= size:
        return 0, b""
    ensure(rest[size : size + 1] == b",", "comma")
    body = rest[:size] * (2 if rest[:1] == b"?" else 1)
    return len(digits) + size + 2, b"%d:%b," % (len(body), body)


def varint(data, at):
    """The value and the place behind it; the value is None where it is not all in."""
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at
    return None, at


def as_varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def protobuf(data):
    """Messages with their length before them; each is one text, field 1."""
    size, at = varint(data, 0)
    if size is None or len(data) < at + size:
        return 0, b""
    message = data[at : at + size]
    ensure(message[:1] == b"\x0a", "field")
    length, start = varint(message, 1)
    ensure(length is not None and start + length == len(message), "length of the field")
    message[start:].decode()
    return at + size, as_varint(size) + message


def thrift(data):
    """The framed transport with the strict binary protocol: echo(1: string)."""
    if len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
        return 0, b""
    size = struct.unpack(">I", data[:4])[0]
    call = data[4 : 4 + size]
    version, name_bytes = struct.unpack(">II", call[:8])
    ensure(version == 0x80010001, "version and kind")
    name, rest = call[8 : 8 + name_bytes], call[8 + name_bytes :]
    ensure(name == b"echo", "name")
    sequence, kind, field, length = struct.unpack(">IBHI", rest[:11])
    ensure((kind, field) == (11, 1) and rest[11 + length :] == b"\0", "argument")
    text = rest[11 : 11 + length]
    reply = struct.pack(">II4sIBHI", 0x80010002, 4, name, sequence, 11, 0, length) + text + b"\0"
    return 4 + size, struct.pack(">I", len(reply)) + reply


registers = list(range(100))


def modbus(data):
    """A device with 100 holding registers, unit 1: functions 3 and 16, and exceptions for others."""
    if len(data) < 8 or len(data) < 6 + struct.unpack(">H", data[4:6])[0]:
        return 0, b""
    identifier, protocol, size = struct.unpack(">HHH", data[:6])
    ensure(protocol == 0 and data[6] == 1, "protocol and unit")
    function, body = data[7], data[8 : 6 + size]
    start, number = struct.unpack(">HH", body[:4])
    if start + number > len(registers):
        answer = bytes([function | 0x80, 2])
    elif function == 3:
        count("reads")
        values = registers[start : start + number]
        answer = struct.pack(">BB%dH" % number, 3, 2 * number, *values)
    elif function == 16:
        count("writes")
        ensure(body[4] == 2 * number == len(body) - 5, "bytes")
        registers[start : start + number] = struct.unpack(">%dH" % number, body[5:])
        answer = struct.pack(">BHH", 16, start, number)
    else:
        answer = bytes([function | 0x80, 1])
    return 6 + size, struct.pack(">HHHB", identifier, 0, len(answer) + 1, 1) + answer


class Fix:
    """An acceptor of FIX 4.4: body length, checksum and sequence numbers have to be right, and the Logon comes first."""

    def __init__(self):
        self.received = self.sent = 0

    def message(self, kind, *fields):
        self.sent += 1
        now = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime())
        tags = ["35=" + kind, "34=%d" % self.sent, "49=SERVER", "56=VOLLEY", "52=" + now, *fields]
        body = "".join(tag + "\1" for tag in tags).encode()
        head = b"8=FIX.4.4\x019=%d\x01" % len(body)
        return head + body + b"10=%03d\x01" % (sum(head + body) % 256)

    def asks(self):
        """What it says by itself each second: it is there, and wants to know whether the client is."""
        count("asked")
        return self.message("0") + self.message("1", "112=ask-%d" % self.sent)

    def __call__(self, data):
        start = data.find(b"\x01", 10)
        if start < 0:
            return 0, b""
        ensure(data.startswith(b"8=FIX.4.4\x019="), "beginning")
        end = start + 1 + int(data[12:start]) + 7
        if len(data) < end:
            return 0, b""
        ensure(data[end - 7 : end] == b"10=%03d\x01" % (sum(data[: end - 7]) % 256), "checksum")
        tags = dict(tag.split("=", 1) for tag in data[: end - 1].decode().split("\1"))
        self.received += 1
        ensure(int(tags["34"]) == self.received, "sequence number " + tags["34"])
        kind = tags["35"]
        ensure((kind == "A") == (self.received == 1), "logon")
        count("type " + kind)
        if kind == "A":
            return end, self.message("A", "98=0", "108=" + tags["108"])
        if kind == "1":
            return end, self.message("0", "112=" + tags["112"])
        if kind == "D":
            reports = [self.message("8", "11=" + tags["11"], "39=" + status) for status in "02"]
            return end, b"".join(reports)
        ensure(kind == "0" and tags["112"].startswith("ask-"), "kind")
        return end, b""


formats = {"netstring": lambda: netstring, "protobuf": lambda: protobuf, "thrift": lambda: thrift}
formats.update({"modbus": lambda: modbus, "fix": Fix})
make = formats[sys.argv[1]]


async def handle(reader, writer):
    take = make()
    asking = asyncio.create_task(ask(take, writer)) if isinstance(take, Fix) else None
    data = b""
    try:
        while more := await reader.read(65536):
            data += more
            replies = []
            while True:
                taken, reply = take(data)
                if taken == 0:
                    break
                count("messages")
                replies.append(reply)
                data = data[taken:]
            writer.write(b"".join(replies))
            await writer.drain()
    except (Wrong, ValueError, struct.error, KeyError) as error:
        count("bad")
        print(f"bad: {error}", file=sys.stderr, flush=True)
    except ConnectionError:
        pass
    finally:
        if asking:
            asking.cancel()
        writer.close()


async def ask(session, writer):
    while True:
        await asyncio.sleep(1)
        if session.received:
            writer.write(session.asks())


asyncio.run(serve(handle, counts))
