"""A broadcast server without any framing, written from the description of the published one.

Every read of at most 1024 bytes is one message: a JSON object with client_ip and message. The client whose address is
client_ip gets "<address>: 已经收到信息"; every other one gets "<address> 地址发送了请求消息：<message>". The address is
that of the client which receives the text, and no text has an end. What is no JSON counts as an empty message of nobody.
With the argument "cut" it sends texts in small pieces. The port is printed once the server listens, and what it has
counted when it is ended by SIGTERM.
"""

import json
import selectors
import signal
import socket
import sys

CUT = sys.argv[1:] == ["cut"]
READ_BYTES = 1024
counts = {"connections": 0, "messages": 0, "undecoded": 0, "acknowledgements": 0, "deliveries": 0}
selector = selectors.DefaultSelector()
clients = {}


class Client:
    def __init__(self, connection, address):
        self.socket = connection
        self.address = "%s:%d" % address
        self.outgoing = bytearray()
        self.pieces = 0


def flush(client):
    while client.outgoing:
        client.pieces += 1
        size = 1 + client.pieces * 7 % 60 if CUT else len(client.outgoing)
        try:
            sent = client.socket.send(client.outgoing[:size])
        except BlockingIOError:
            break
        except OSError:
            drop(client)
            return
        del client.outgoing[:sent]
        if CUT:
            break
    events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.outgoing else 0)
    selector.modify(client.socket, events, client)


def drop(client):
    if clients.pop(client.socket, None) is not None:
        selector.unregister(client.socket)
        client.socket.close()


def broadcast(data):
    counts["messages"] += 1
    try:
        fields = json.loads(data)
        sender, message = fields["client_ip"], fields["message"]
    except (ValueError, KeyError, TypeError):
        counts["undecoded"] += 1
        sender, message = "", ""
    for client in list(clients.values()):
        if client.address == sender:
            counts["acknowledgements"] += 1
            client.outgoing += (client.address + ": 已经收到信息").encode()
        else:
            counts["deliveries"] += 1
            client.outgoing += (client.address + " 地址发送了请求消息：" + message).encode()
    for client in list(clients.values()):
        flush(client)


def serve(client):
    try:
        data = client.socket.recv(READ_BYTES)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    if data:
        broadcast(data)
    else:
        drop(client)


def accept(listener):
    connection, address = listener.accept()
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client = Client(connection, address)
    clients[connection] = client
    counts["connections"] += 1
    selector.register(connection, selectors.EVENT_READ, client)


def run():
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ, None)
    print("port %d" % listener.getsockname()[1], flush=True)
    while True:
        for key, events in selector.select():
            if key.data is None:
                accept(listener)
                continue
            if events & selectors.EVENT_WRITE and key.fileobj in clients:
                flush(key.data)
            if events & selectors.EVENT_READ and key.fileobj in clients:
                serve(key.data)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
try:
    run()
finally:
    print(json.dumps(counts), flush=True)
