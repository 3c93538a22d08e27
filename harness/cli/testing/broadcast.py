# A broadcast server that shares no code with the reference server. It prints its port, then serves until it is killed.
# With the argument "utf8" it writes all characters unchanged, else ASCII with escapes, as json does.
import json
import selectors
import socket
import sys

ascii_only = "utf8" not in sys.argv
selector = selectors.DefaultSelector()
clients = {}


class Client:
    def __init__(self, connection, address):
        self.socket = connection
        self.address = "%s:%d" % address
        self.incoming = b""
        self.outgoing = b""


def encode(address, message):
    return (json.dumps({"client_ip": address, "message": message}, ensure_ascii=ascii_only) + "\n").encode()


def flush(client):
    while client.outgoing:
        try:
            sent = client.socket.send(client.outgoing)
        except BlockingIOError:
            break
        except OSError:
            drop(client)
            return
        client.outgoing = client.outgoing[sent:]
    events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.outgoing else 0)
    selector.modify(client.socket, events, client)


def drop(client):
    if clients.pop(client.socket, None) is None:
        return
    selector.unregister(client.socket)
    client.socket.close()


def serve(client):
    try:
        data = client.socket.recv(65536)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    if not data:
        drop(client)
        return
    *lines, client.incoming = (client.incoming + data).split(b"\n")
    for line in lines:
        message = json.loads(line)["message"]
        client.outgoing += encode(client.address, client.address + ": 已经收到信息")
        delivery = encode(client.address, client.address + " 地址发送了请求消息：" + message)
        for other in list(clients.values()):
            if other is not client:
                other.outgoing += delivery
    for other in list(clients.values()):
        flush(other)


listener = socket.create_server(("127.0.0.1", 0), backlog=128)
listener.setblocking(False)
selector.register(listener, selectors.EVENT_READ, None)
print(listener.getsockname()[1], flush=True)
while True:
    for key, events in selector.select():
        if key.data is None:
            connection, address = listener.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = Client(connection, address)
            clients[connection] = client
            selector.register(connection, selectors.EVENT_READ, client)
        elif key.fileobj in clients:
            if events & selectors.EVENT_WRITE:
                flush(key.data)
            if events & selectors.EVENT_READ and key.fileobj in clients:
                serve(key.data)
