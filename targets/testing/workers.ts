import { execFileSync } from 'node:child_process'
import { expect } from 'vitest'
import { ServerChild } from './child.ts'
import { Client, until } from './client.ts'
import { clients, rpcRequest } from './serverProcess.ts'

/** A server with two workers, which sends its counters. */
export const serve = (...args: string[]) =>
  ServerChild.start([...args, '--listen', '0', '--workers', '2'], { ipc: true })

/** Clients that have been answered once, so that a worker serves each of them. */
export async function connectAll(child: ServerChild, count: number): Promise<Client[]> {
  const address = await child.address()
  const some = await Promise.all(Array.from({ length: count }, () => Client.connect(address)))
  clients.push(...some)
  for (const client of some) {
    client.write(rpcRequest)
    expect(await client.take(rpcRequest.length)).toEqual(rpcRequest)
  }
  return some
}

/** The processes of the workers. */
export function workersOf(child: ServerChild): number[] {
  return execFileSync('pgrep', ['-P', String(child.process.pid)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number)
}

export const requests = 10_000
export const manyRequests = Buffer.concat(Array.from({ length: requests }, () => rpcRequest))

export const lastStats = (child: ServerChild) => child.messages.findLast(message => message.type === 'stats')

/** Sends `signal` to the first process, or to all of them, while requests are pending: each is answered and counted. */
export async function answersAndCounts(signal: NodeJS.Signals, toAll: boolean): Promise<void> {
  const child = serve('rpc', '--shuffle', '1000')
  const four = await connectAll(child, 4)
  expect(child.stdout).toMatch(/^rpc listening on 127\.0\.0\.1:\d+ {3}2 workers, frames up to 2 MiB\n/)
  for (const client of four) client.write(manyRequests)
  await until('the requests to be sent', () => four.every(client => client.socket.writableLength === 0))
  for (const pid of [...(toAll ? workersOf(child) : []), child.process.pid!]) process.kill(pid, signal)
  for (const client of four) expect(await client.takeAll()).toHaveLength(requests * rpcRequest.length)
  expect(await child.exited()).toBe(0)
  const bytes = 4 * (requests + 1) * rpcRequest.length
  expect(lastStats(child)).toMatchObject({
    final: true,
    requests: 4 * (requests + 1),
    bytesIn: bytes,
    bytesOut: bytes,
    connections: 0,
    rejected: 0,
  })
  expect(child.stderr).toBe('')
}
