import { expect, test } from 'vitest'
import { faultsWith } from './testing/faults.ts'

test.each([
  ['layers: [gzip]', '5:1 key "layers" is not in this version of volley'],
  ['wire: { split: random }', '5:1 key "wire" is not in this version of volley'],
  [
    'target: { serve: broadcast }',
    '2:18 target.serve: "broadcast" is not in this version of volley; it has echo, tlv, rpc and http',
  ],
  [
    'target: { address: "ws://h:1" }',
    '2:20 target.address: "ws://" is not in this version of volley; it has tcp://, udp://, tls:// and unix:',
  ],
  [
    'environments: { a: { serve: broadcast } }',
    '5:29 environments.a.serve: "broadcast" is not in this version of volley; it has echo, tlv, rpc and http',
  ],
  ['loop: [{ send: a, capture: { x: body } }]', '4:19 loop[0]: key "capture" is not in this version of volley'],
  ['connect: [{ send: a, capture: {} }]', '5:22 connect[0]: key "capture" is not in this version of volley'],
  [
    'protocol: broadcast',
    '3:11 protocol: protocol "broadcast" is not in this version of volley; it has raw, line, frame, tlv, rpc, http and resp',
  ],
  [
    'protocol: ./own.js',
    '3:11 protocol: protocol "./own.js" is not in this version of volley; it has raw, line, frame, tlv, rpc, http and resp',
  ],
])('parseScenario() refuses what a later version has: %s', (line, fault) => {
  expect(faultsWith(line)).toEqual([`s.yaml:${fault}`])
})
