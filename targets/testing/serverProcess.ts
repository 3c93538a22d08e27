import { afterEach, expect } from 'vitest'
import { bytesOf } from '../../harness/protocols/testing/bytes.ts'
import type { ServerMessage } from '../process/lifecycle.ts'
import { killServers, ServerChild } from './child.ts'
import { Client, until } from './client.ts'

/** Clients of the servers of one test. */
export const clients: Client[] = []

/** Ends the servers and the clients of each test of a file. */
export function cleanUpServers(): void {
  afterEach(async () => {
    for (const client of clients.splice(0)) client.socket.destroy()
    await killServers()
  })
}

export async function connect(child: ServerChild, halfOpen = false): Promise<Client> {
  const client = await Client.connect(await child.address(), halfOpen)
  clients.push(client)
  return client
}

export function statsOf(messages: readonly ServerMessage[]) {
  return messages.filter(message => message.type === 'stats')
}

/** An RPC request, which an echoing server answers with the same bytes. */
export const rpcRequest = bytesOf({ u32: 24 }, { u32: 1 }, { u8: 1 }, { i16: 1 }, { i64: 1n }, { i32: 5 }, 'hello')

/** The server has more replies than the kernel holds when the signal comes. */
export async function answersPendingRequests(signal: NodeJS.Signals): Promise<void> {
  const child = ServerChild.start(
    ['rpc', '--listen', '0', '--shuffle', '1000', '--quiet', '--max-send-buffer', '64MiB'],
    { ipc: true },
  )
  const client = await connect(child)
  client.socket.pause()
  const requests = 400_000
  client.write(Buffer.concat(Array.from({ length: requests }, () => rpcRequest)))
  // The replies are more than the kernel holds: the rest waits in the server.
  await until('the requests to be taken', () => statsOf(child.messages).at(-1)?.requests === requests)
  child.process.kill(signal)
  client.socket.resume()
  expect(await client.takeAll()).toHaveLength(requests * rpcRequest.length)
  expect(await child.exited()).toBe(0)
  expect(statsOf(child.messages).at(-1)).toMatchObject({ requests, final: true, connections: 0 })
  expect(child.stderr).toBe('')
}
