import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { encodeRequests } from '../../plan/requests.ts'
import { composeProtocol } from '../../protocols/composed.ts'
import { parseScenario } from '../../scenario/load.ts'
import { resolveProtocol } from '../../scenario/resolve.ts'
import { createSingleRequests } from './singleRequests.ts'

const challengeType = 0xffff_fff1

function requestsOf(lines: string) {
  const yaml = `name: test\ntarget: { address: "tcp://127.0.0.1:1" }\n${lines}`
  const { scenario } = parseScenario(yaml, 'test.yaml', [], {})
  const protocol = composeProtocol(resolveProtocol(scenario))
  const bank = encodeRequests(scenario, protocol, { files: new Map(), rows: [], tls: {} }, 1)
  const requests = createSingleRequests({ bank, protocol, key: scenario.key, seed: 1 })
  const bodyOf = (frame: Uint8Array) => Buffer.from(protocol.decode(frame, 0, frame.length).body)
  const handshake = requests.handshake.flatMap(step => ('login' in step ? [] : [step]))
  return { ...requests, handshake, protocol, bodyOf }
}

test.each(['', 'layers: [gzip, crc32]\n'])(
  'createSingleRequests() signs the challenge in the reply before; %j',
  layers => {
    const { handshake, protocol, bodyOf } = requestsOf(
      `protocol: tlv\nkey: secret\n${layers}connect: [{ send: { type: 7, body: login } }]\nloop: [{ send: { type: 1, body: hello } }]\n`,
    )
    const nothing = new Uint8Array(0)
    expect(handshake.map(({ replyType }) => replyType)).toEqual([challengeType, 0xffff_fff3, undefined])
    expect(bodyOf(handshake[0]!.make(nothing))).toHaveLength(0)
    for (const byte of [1, 2]) {
      const challenge = Buffer.alloc(20, byte)
      const signed = handshake[1]!.make(protocol.encode({ type: challengeType, body: challenge }))
      expect(bodyOf(signed)).toEqual(createHmac('sha1', 'secret').update(challenge).digest())
    }
    expect(bodyOf(handshake[2]!.make(nothing)).toString()).toBe('login')
  },
)

test('createSingleRequests() fills in slots within their ranges', () => {
  const { request, handshake, bodyOf } = requestsOf(
    'protocol: line\nloop: [{ send: "{{seq}} {{random 7..9}}" }, { send: other }]\n',
  )
  expect(handshake).toEqual([])
  expect(bodyOf(request()).toString()).toMatch(/^0000000001 [789]$/)
  expect(bodyOf(request()).toString()).toMatch(/^0000000002 [789]$/)
})

test('createSingleRequests() takes the handshake and the request of the first connections that send', () => {
  const group = (name: string) =>
    `connect: [{ send: { type: 1, body: ${name} } }, { send: { type: 2, body: ${name} } }]`
  const { request, handshake, bodyOf } = requestsOf(
    `protocol: tlv\nkey: secret\nclients: [{ ${group('a')} }, { ${group('b')}, loop: [{ send: { type: 1, body: c } }] }]\n`,
  )
  expect(handshake).toHaveLength(4)
  const nothing = new Uint8Array(0)
  expect(handshake.slice(2).map(({ make }) => bodyOf(make(nothing)).toString())).toEqual(['b', 'b'])
  expect(bodyOf(request()).toString()).toBe('c')
})
