import { expect, test } from 'vitest'
import { faultsWith } from '../testing/faults.ts'

const unix = 'target: { address: "unix:/run/x.sock" }'
const needs = '{{localAddress}} needs TCP or UDP, and target is a unix socket'

test.each([
  [[unix, 'loop: [{ send: "I am {{localAddress}}" }]'], [`4:16 loop[0].send: ${needs}`]],
  [
    [unix, 'connect: [{ send: "{{localAddress}}" }]', 'heartbeat: { every: 1s, send: "{{ localAddress }}" }'],
    [`5:19 connect[0].send: ${needs}`, `6:31 heartbeat.send: ${needs}`],
  ],
  [
    ['target: { serve: echo, options: { listen: "unix:/run/x.sock" } }', 'loop: [{ send: "{{localAddress}}" }]'],
    [`4:16 loop[0].send: ${needs}`],
  ],
  [
    ['environments: { near: { address: "unix:/run/x.sock" } }', 'loop: [{ send: "{{localAddress}}" }]'],
    ['4:16 loop[0].send: {{localAddress}} needs TCP or UDP, and environments.near is a unix socket'],
  ],
  [
    [unix, 'protocol: { broadcast: { framing: text } }'],
    [
      '3:11 protocol: framing text needs TCP, as bare texts begin with the address of a client, and target is a unix socket',
    ],
  ],
  [
    [unix, 'protocol: broadcast', 'loop: [{ send: { body: a, clientIp: "{{localAddress}}" } }]'],
    [`4:37 loop[0].send.clientIp: ${needs}`],
  ],
])('parseScenario() refuses the address of a client over a unix socket: %s', (lines, faults) => {
  expect(faultsWith(...lines)).toEqual(faults.map(fault => `s.yaml:${fault}`))
})

test.each([
  ['target: { address: "udp://127.0.0.1:9" }', 'loop: [{ send: "{{localAddress}}" }]'],
  ['target: { address: "unix:/run/x.sock", relay: { rtt: 1ms } }', 'loop: [{ send: "{{localAddress}}" }]'],
  [unix, 'protocol: { broadcast: { framing: json } }'],
])('parseScenario() takes the address of a client where it has one: %s', (...lines) => {
  expect(faultsWith(...lines)).toEqual([])
})
