import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { Program, until } from './programs.ts'
import { countsOf, inThisFolder, runScript } from './python.ts'
import { cleanUpWith } from './volley.ts'

/** An echo server of WebSocket that somebody else has written, and what it has counted once the run is over. */
export interface OtherWebSocketServer {
  readonly port: number
  /** The paths and the headers Host that clients have asked with. */
  readonly asked: readonly string[]
  counts(): Promise<Record<string, number>>
}

/**
 * A server on the package `ws`, in this process. Every seventh echo goes out in fragments; before every 50th there are a ping
 * and a text that begins with `tick`.
 */
export async function startWs(): Promise<OtherWebSocketServer> {
  const counts = { connections: 0, messages: 0, bytes: 0, pings: 0, pongs: 0, ticks: 0, fragmented: 0 }
  const asked: string[] = []
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true })
  server.on('connection', (socket: WebSocket, request) => {
    counts.connections++
    asked.push(`${request.url} ${request.headers.host}`)
    socket.on('error', () => {})
    socket.on('pong', () => counts.pongs++)
    socket.on('message', (data: Buffer, binary) => {
      counts.messages++
      counts.bytes += data.length
      if (counts.messages % 50 === 0) {
        socket.ping(Buffer.from([0, 0xff, counts.messages & 0xff]))
        socket.send(`tick ${counts.messages}`)
        counts.pings++
        counts.ticks++
      }
      if (counts.messages % 7 === 0) {
        const third = Math.floor(data.length / 3)
        socket.send(data.subarray(0, third), { binary, fin: false })
        socket.send(data.subarray(third, 2 * third), { binary, fin: false })
        socket.send(data.subarray(2 * third), { binary, fin: true })
        counts.fragmented++
      } else socket.send(data, { binary })
    })
  })
  await once(server, 'listening')
  cleanUpWith(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async counts() {
      // What the client has sent before it closed is read to its end.
      await until('the end of all connections', () => server.clients.size === 0)
      return counts
    },
  }
}

/** The same on the package `websockets` of Python, in a process of its own. */
export async function startWebsockets(skip: Skip): Promise<OtherWebSocketServer> {
  const server = new Program(interpreter(skip), inThisFolder('websocket_server.py'))
  return { port: Number(await server.says(/port (\d+)/)), asked: [], counts: () => countsOf(server) }
}

/** Runs clients of broadcast on the same package to their end; what they have counted. */
export function runWebsocketsClients(skip: Skip, ...args: string[]): Promise<Record<string, unknown>> {
  return runScript(interpreter(skip), 'websocket_broadcast_client.py', ...args)
}

type Skip = (why: string) => void

/** The system's Python is the one that Debian's packages are for, and need not be the first one of the path. */
const interpreters = ['python3', '/usr/bin/python3']

/** A Python that has the package `websockets`; without it the test is skipped, and says so, but in CI there has to be one. */
function interpreter(skip: Skip): string {
  const found = interpreters.find(path => spawnSync(path, ['-c', 'import websockets']).status === 0)
  if (found !== undefined) return found
  if (process.env['CI'] === 'true') throw new Error("python3's websockets is not installed, and CI must have it")
  console.warn('skipped: python3 has no websockets ("apt-get install python3-websockets")')
  skip("python3's websockets is not installed")
  throw new Error('skipped')
}
