import { afterEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { referenceServer } from './testing/referenceServer.ts'
import { balances, cleanUp, run, scenarioFile, volley } from './testing/volley.ts'

afterEach(cleanUp)

const modbus = '[ { id: u16 }, { length: u16 }, { function: u8 }, body, { checksum: crc16-modbus, as: u16le } ]'
const twoWays =
  '{ request: [ { op: u8 }, { length: u16 }, body ], reply: [ { length: leb128 }, { hex: "cafe" }, body ] }'

/** A protocol as servers take it. */
function text(frame: string): string {
  return JSON.stringify({ frame: parse(frame) })
}

function scenario(url: string, frame: string, send: string, expected = 'echo'): string {
  return scenarioFile(`
name: drawn
target: { address: "${url}" }
protocol: { frame: ${frame} }
connections: 3
requests: 300
load: { pipeline: 4 }
loop: [ { send: ${send}, expect: ${expected} } ]
`)
}

describe('frames that are drawn', () => {
  test.each([
    ['epoll', modbus, '{ function: 3, body: [ { u16: "{{random 0..99}}" }, "{{seq}}" ] }'],
    ['node', modbus, '{ function: 3, body: [ { u16: "{{random 0..99}}" }, "{{seq}}" ] }'],
    ['epoll', twoWays, '{ op: 7, body: "hello {{random 8}}" }'],
    ['node', twoWays, '{ op: 7, body: "hello {{random 8}}" }'],
  ])('are sent and answered over %s: %s', async (transport, frame, send) => {
    const server = await referenceServer('echo', { protocol: text(frame) })
    const { code, report } = await run(scenario(server.url, frame, send), '--transport', transport)
    expect(code).toBe(0)
    expect(report.totals).toMatchObject({ sent: 300, completed: 300, failures: {} })
    expect(balances(report)).toBe(true)
    expect(server.requests()).toBe(300)
  })

  test('may have a fixed reply, in the frame of replies', async () => {
    const server = await referenceServer('echo', { protocol: text(twoWays), reply: 'done' })
    const file = scenario(server.url, twoWays, '{ op: 7, body: x }', '{ equals: done }')
    const { report } = await run(file)
    expect(report.totals).toMatchObject({ completed: 300, failures: {} })
  })

  test('need a length over TCP, and none over UDP', async () => {
    const dns = '[ { id: u16 }, { skip: 2 }, body ]'
    const faulty = await volley('validate', scenario('tcp://127.0.0.1:1', dns, 'x'))
    expect(faulty.code).toBe(2)
    expect(faulty.stderr).toContain('nothing says where a frame ends: give a { length: ... }, or { body: 10 }')
    const server = await referenceServer('echo', { protocol: text(dns), listen: 'udp://127.0.0.1:0' })
    const { report } = await run(scenario(server.url, dns, '"{{seq}}"'))
    expect(report.totals).toMatchObject({ sent: 300, completed: 300, failures: {} })
  })
})
