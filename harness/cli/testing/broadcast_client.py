"""Clients of a broadcast server without framing, written from the description of the published one.

Each writes JSON objects {"client_ip": "<its own address>", "message": "..."} with nothing between them, so that they are
glued and cut on their way, and reads whatever comes. Arguments: the port, the number of clients, how many messages each
sends, and how the replies are told apart: "text" by the client's own address and the fixed words, "json" by JSON itself.
At the end the first client leaves with /q, and the others send one message more. Prints what all of them have counted.
"""

import json
import socket
import sys
import time

PORT, CLIENTS, MESSAGES = (int(argument) for argument in sys.argv[1:4])
FRAMING = sys.argv[4]
SECONDS_MAX = 20
# Sent at once; it divides neither the length of an object nor of most texts.
PIECE_BYTES = 37
ACKNOWLEDGED = ": 已经收到信息"
DELIVERED = " 地址发送了请求消息："


class Client:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=SECONDS_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address = "%s:%d" % self.socket.getsockname()
        self.data = b""
        self.acknowledged = 0
        self.delivered = 0
        self.ended = False

    def send(self, messages):
        objects = [json.dumps({"client_ip": self.address, "message": text}, ensure_ascii=False) for text in messages]
        data = "".join(objects).encode()
        for at in range(0, len(data), PIECE_BYTES):
            self.socket.sendall(data[at : at + PIECE_BYTES])

    def read(self):
        chunk = self.socket.recv(1024)
        self.ended = chunk == b""
        self.data += chunk
        self.count()

    def count(self):
        text = self.data.decode(errors="ignore")
        if FRAMING == "text":
            self.acknowledged = text.count(self.address + ACKNOWLEDGED)
            self.delivered = text.count(self.address + DELIVERED)
            return
        self.acknowledged = self.delivered = 0
        decoder = json.JSONDecoder()
        at = 0
        while at < len(text):
            try:
                fields, at = decoder.raw_decode(text, at)
            except ValueError:
                break
            message = fields["message"]
            self.acknowledged += message == self.address + ACKNOWLEDGED
            self.delivered += message.startswith(fields["client_ip"] + DELIVERED)

    def read_until(self, acknowledged, delivered):
        deadline = time.monotonic() + SECONDS_MAX
        while (self.acknowledged < acknowledged or self.delivered < delivered) and time.monotonic() < deadline:
            self.read()


clients = []
for index in range(CLIENTS):
    # A client that is acknowledged has been accepted.
    client = Client()
    client.send(["hello"])
    client.read_until(1, 0)
    clients.append(client)

texts = ["second", 'a "}{" \\ 你好', "", "{", "127.0.0.1:1"]
for client in clients:
    client.send([texts[index % len(texts)] for index in range(MESSAGES)])
for index, client in enumerate(clients):
    client.read_until(1 + MESSAGES, CLIENTS - 1 - index + MESSAGES * (CLIENTS - 1))

first, others = clients[0], clients[1:]
first.send(["/q"])
while not first.ended:
    first.read()
for client in others:
    client.send(["still here"])
for index, client in enumerate(others):
    client.read_until(2 + MESSAGES, CLIENTS - 2 - index + MESSAGES * (CLIENTS - 1) + CLIENTS - 2)

print(
    json.dumps(
        {
            "acknowledged": sum(client.acknowledged for client in clients),
            "delivered": sum(client.delivered for client in clients),
            "left": sum(client.ended for client in clients),
        }
    ),
    flush=True,
)
