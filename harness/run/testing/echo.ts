import { once } from 'node:events'
import net from 'node:net'

/** A server in this process that echoes bytes, and its address; `close` also ends its connections. */
export async function startEcho(): Promise<{ readonly url: string; close(): void }> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `tcp://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
