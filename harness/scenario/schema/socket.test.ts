import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import { faultsWith, minimalWith } from '../testing/faults.ts'

test.each([
  [
    'socket: { receiveBuffer: 64KiB, sendBuffer: 4096, noDelay: false }',
    { receiveBuffer: 65_536, sendBuffer: 4096, noDelay: false },
  ],
  ['socket: { noDelay: true }', { noDelay: true }],
  ['socket: { sendBuffer: 1GiB }', { sendBuffer: 1024 ** 3 }],
])('parseScenario() accepts %s', (line, socket) => {
  expect(parseScenario(minimalWith(line), 's.yaml', [], {}).scenario.socket).toEqual(socket)
})

test.each([
  ['socket: { receiveBuffer: big }', ['5:26 socket.receiveBuffer: expected a size such as 64KiB, got "big"']],
  ['socket: { sendBuffer: 0 }', ['5:23 socket.sendBuffer: expected a size from 1 B to 1 GiB, got 0']],
  ['socket: { noDelay: no }', ['5:20 socket.noDelay: expected true or false, got "no"']],
  ['socket: { nodelay: true }', ['5:11 socket: unknown key "nodelay"; did you mean "noDelay"?']],
  ['socket: fast', ['5:9 socket: expected a mapping such as { receiveBuffer: 64KiB, noDelay: false }, got "fast"']],
])('parseScenario() reports what is wrong with %s', (line, faults) => {
  expect(faultsWith(line)).toEqual(faults.map(fault => `s.yaml:${fault}`))
})

const all = 'socket: { receiveBuffer: 64KiB, sendBuffer: 64KiB, noDelay: false }'

test.each([
  ['target: { address: "tcp://h:1" }', 'transport: auto', []],
  [
    'target: { address: "tcp://h:1" }',
    'transport: node',
    [
      'socket.receiveBuffer: needs transport epoll, and transport is node',
      'socket.sendBuffer: needs transport epoll, and transport is node',
    ],
  ],
  [
    'target: { address: "tls://h:1" }',
    'transport: auto',
    [
      'socket.receiveBuffer: needs transport epoll, and target has TLS, which runs over node',
      'socket.sendBuffer: needs transport epoll, and target has TLS, which runs over node',
    ],
  ],
  ['target: { address: "unix:/x" }', 'transport: epoll', ['socket.noDelay: needs TCP, and target is unix']],
  ['target: { serve: echo, over: udp }', 'transport: node', ['socket.noDelay: needs TCP, and target is udp']],
])('parseScenario() refuses what a target or a transport does not have: %s, %s', (target, transport, faults) => {
  const found = faultsWith(target, 'protocol: line', transport, all)
  expect(found.map(fault => fault.replace(/^s\.yaml:\d+:\d+ /, ''))).toEqual(faults)
})
