import dgram from 'node:dgram'
import { once } from 'node:events'
import { expect } from 'vitest'
import { balances, cleanUpWith, run, scenarioFile } from './volley.ts'

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

/** Runs a scenario that starts its server over UDP, and expects that the server counted every request. */
export async function expectCountedByServer(file: string, ...flags: string[]): Promise<void> {
  const { code, report } = await run(file, ...flags)
  expect(code).toBe(0)
  expect(report.totals.failures).toEqual({})
  expect(balances(report)).toBe(true)
  expect(report.server?.requests).toBe(report.totals.sent)
  expect(report.target).toMatch(/^udp:\/\//)
}
