import { type RunningServer, type ServerSettings, startServer } from '../server/tcp.ts'
import { Client } from './client.ts'

const servers: RunningServer[] = []
const clients: Client[] = []

/** A server of the service in this process, at a port of its own, that ends with the test. */
export async function startService(
  service: ServerSettings['service'],
  settings: Partial<ServerSettings> = {},
): Promise<RunningServer> {
  const server = await startServer({ listen: { host: '127.0.0.1', port: 0 }, service, ...settings })
  servers.push(server)
  return server
}

/** A client that ends with the test; with `halfOpen` its side stays open when the server ends its own. */
export async function connect(server: RunningServer, halfOpen = false): Promise<Client> {
  const client = await Client.connect(server.address, halfOpen)
  clients.push(client)
  return client
}

/** Ends all clients and servers: for afterEach. */
export async function endServices(): Promise<void> {
  for (const { socket } of clients.splice(0)) {
    // A server need not finish the jobs of a client that has reset; unix sockets have no reset.
    if (socket.remoteFamily === undefined) socket.destroy()
    else socket.resetAndDestroy()
  }
  for (const server of servers.splice(0)) await server.stop()
}
