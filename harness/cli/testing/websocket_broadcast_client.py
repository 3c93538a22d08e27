"""Clients of a broadcast server over WebSocket, on the package websockets, which masks what it sends.

Arguments: the port, the number of clients, how many messages each sends. Every third message goes out in fragments. Each
client pings, and the first one leaves with /q. Prints what all of them have counted.
"""

import asyncio
import json
import sys

import websockets

PORT, CLIENTS, MESSAGES = (int(argument) for argument in sys.argv[1:4])
SECONDS_MAX = 20
ACKNOWLEDGED = ": 已经收到信息"
DELIVERED = " 地址发送了请求消息："


class Client:
    def __init__(self, websocket):
        self.websocket = websocket
        self.acknowledged = 0
        self.delivered = 0
        self.others = 0
        self.closed_with = None
        self.changed = asyncio.Event()
        self.reading = asyncio.create_task(self.read())

    async def send(self, text, in_fragments=False):
        data = json.dumps({"client_ip": "", "message": text}, ensure_ascii=False)
        await self.websocket.send([data[:5], data[5:]] if in_fragments else data)

    async def read(self):
        try:
            async for data in self.websocket:
                fields = json.loads(data)
                message = fields["message"]
                if message == fields["client_ip"] + ACKNOWLEDGED:
                    self.acknowledged += 1
                elif message.startswith(fields["client_ip"] + DELIVERED):
                    self.delivered += 1
                else:
                    self.others += 1
                self.changed.set()
        except websockets.ConnectionClosed:
            pass
        self.closed_with = self.websocket.close_code
        self.changed.set()

    async def until(self, condition):
        while not condition(self):
            self.changed.clear()
            await self.changed.wait()


async def main():
    clients = [Client(await websockets.connect(f"ws://127.0.0.1:{PORT}/any")) for _ in range(CLIENTS)]
    pongs = 0
    for client in clients:
        await (await client.websocket.ping(b"still there?"))
        pongs += 1
    texts = ["hello", 'a "}{" \\ 你好', "", "x" * 300]
    for client in clients:
        for index in range(MESSAGES):
            await client.send(texts[index % len(texts)], index % 3 == 0)
    for client in clients:
        await client.until(lambda it: it.acknowledged == MESSAGES and it.delivered == MESSAGES * (CLIENTS - 1))
    await clients[0].send("/q")
    await clients[0].until(lambda it: it.closed_with is not None)
    others = clients[1:]
    for client in others:
        await client.send("still here")
    for client in others:
        await client.until(lambda it: it.acknowledged == MESSAGES + 1)
        await client.until(lambda it: it.delivered == MESSAGES * (CLIENTS - 1) + CLIENTS - 2)
    # The package closes with a handshake: the server answers.
    for client in others:
        await client.websocket.close(1000)
    return {
        "acknowledged": sum(client.acknowledged for client in clients),
        "delivered": sum(client.delivered for client in clients),
        "others": sum(client.others for client in clients),
        "pongs": pongs,
        "closed": [client.websocket.close_code for client in clients],
    }


print(json.dumps(asyncio.run(asyncio.wait_for(main(), SECONDS_MAX))), flush=True)
