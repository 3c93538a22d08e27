import dgram from 'node:dgram'
import { once } from 'node:events'
import { cleanUpWith, scenarioFile } from './volley.ts'

/** A UDP server in this process that hands each datagram, and a function to answer it, to `handle`; `cleanUp` closes it. */
export async function listenUdp(handle: (bytes: Buffer, reply: (bytes: Uint8Array) => void) => void): Promise<string> {
  const socket = dgram.createSocket('udp4')
  socket.on('message', (bytes, from) => handle(bytes, reply => socket.send(reply, from.port, from.address)))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  cleanUpWith(() => socket.close())
  return `udp://127.0.0.1:${socket.address().port}`
}

/** A scenario file for datagrams; without `lines` for the line protocol. */
export function datagramScenario(target: string, ...lines: readonly string[]): string {
  const given = lines.length > 0 ? lines : ['protocol: line', 'loop: [{ send: "hello {{seq}}", expect: echo }]']
  return scenarioFile(['name: datagrams', `target: ${target}`, ...given].join('\n'))
}
