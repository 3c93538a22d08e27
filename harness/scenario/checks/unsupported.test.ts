import { expect, test } from 'vitest'
import { list } from '../../invalidValue.ts'
import { allNames } from '../../protocols/spec.ts'
import { faultsWith } from '../testing/faults.ts'

test.each([
  [
    'target: { address: "ws://h:1" }',
    '2:20 target.address: "ws://" is not in this version of volley; it has tcp://, udp://, tls:// and unix:',
  ],
  [
    'protocol: ./own.js',
    `3:11 protocol: protocol "./own.js" is not in this version of volley; it has ${list(allNames)}`,
  ],
])('parseScenario() refuses what only a later version will support: %s', (line, fault) => {
  expect(faultsWith(line)).toEqual([`s.yaml:${fault}`])
})
