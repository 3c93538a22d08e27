import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { datagramScenario } from './testing/datagrams.ts'
import { cleanUp, volley } from './testing/volley.ts'

afterEach(cleanUp)

test('volley run reports that no server is there, and how to start one', async () => {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  const { code, stderr } = await volley('run', `udp://127.0.0.1:${port}`, '-d', '1s')
  expect(code).toBe(2)
  expect(stderr).toContain(`cannot reach udp://127.0.0.1:${port}: connection refused`)
  expect(stderr).toContain(`volley serve echo --listen udp://127.0.0.1:${port}`)
})

test('volley refuses a datagram that is too long when the scenario is loaded, with its place', async () => {
  const lines = ['protocol: raw', 'loop: [{ send: { random: 65508 } }]']
  const file = datagramScenario('{ serve: echo, over: udp }', ...lines)
  const { code, stderr } = await volley('validate', file)
  expect(code).toBe(2)
  expect(stderr).toMatch(/test\.yaml:4:16 +loop\[0\]\.send: a datagram has at most 65507 bytes, not 65508$/m)
})

test('volley talk reports everything that is not possible over UDP, and volley torture that it needs TCP', async () => {
  const talk = await volley('talk', 'udp://127.0.0.1:1', '--protocol', 'http', '--key', 'k')
  expect(talk.code).toBe(2)
  expect(talk.stderr).toMatch(/--protocol +expected raw, line, frame, tlv or rpc over UDP, got http/)
  expect(talk.stderr).toMatch(/--key +needs TCP/)
  const torture = await volley('torture', 'udp://127.0.0.1:1', '--protocol', 'tlv')
  expect(torture).toMatchObject({ code: 2 })
  expect(torture.stderr).toContain('it works over TCP, not over UDP')
})
