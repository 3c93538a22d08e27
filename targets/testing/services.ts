import { type RunningServer, type ServerSettings, startServer } from '../server/tcp.ts'
import { Client } from './client.ts'

const servers: RunningServer[] = []
const clients: Client[] = []

/** Starts a server of the service in this process, on a free port; `endServices` stops it. */
export async function startService(
  service: ServerSettings['service'],
  settings: Partial<ServerSettings> = {},
): Promise<RunningServer> {
  const server = await startServer({ listen: { host: '127.0.0.1', port: 0 }, service, ...settings })
  servers.push(server)
  return server
}

/** Connects a client; with `halfOpen` its side stays open when the server closes its own. `endServices` closes it. */
export async function connect(server: RunningServer, halfOpen = false): Promise<Client> {
  const client = await Client.connect(server.address, halfOpen)
  clients.push(client)
  return client
}

/** Closes all clients and stops all servers: for afterEach. */
export async function endServices(): Promise<void> {
  for (const { socket } of clients.splice(0)) {
    // A server does not finish the jobs of a client that has reset its connection; unix sockets have no reset.
    if (socket.remoteFamily === undefined) socket.destroy()
    else socket.resetAndDestroy()
  }
  for (const server of servers.splice(0)) await server.stop()
}
