import { expect, test } from 'vitest'
import { planRun } from '../../plan/plan.ts'
import { encodeRequests } from '../../plan/requests.ts'
import { createPrng } from '../../prng.ts'
import { composeProtocol } from '../../protocols/composed.ts'
import { parseScenario } from '../../scenario/load.ts'
import { resolveProtocol } from '../../scenario/resolve.ts'
import { RequestSequence } from './requestSequence.ts'

/** The sequence of one worker, and the names of its steps. */
function sequenceOf(lines: string) {
  const text = `name: s\ntarget: { address: "tcp://h:1" }\nprotocol: tlv\n${lines}`
  const { scenario } = parseScenario(text, 's.yaml', [], {})
  const protocol = resolveProtocol(scenario)
  const bank = encodeRequests(scenario, composeProtocol(protocol), { files: new Map(), rows: [] }, 1)
  const address = { scheme: 'tcp', host: 'h', port: 1 } as const
  const plan = planRun(scenario, { address, protocol, bank, transport: 'node', seed: 1, workers: 1 })
  const sequence = new RequestSequence(plan.workers[0]!, createPrng(1))
  const names = bank.steps.map(({ name }) => name)
  const handshakeOf = (link: number) => {
    const steps: string[] = []
    for (sequence.opened(link); !sequence.isHandshakeDone(link); ) steps.push(names[sequence.nextHandshakeStep(link)]!)
    return steps
  }
  return { sequence, handshakeOf, nextOf: (link: number) => names[sequence.stepOfFrame[sequence.nextFrame(link)]!] }
}

const step = (type: number) => `{ send: { type: ${type} } }`
const groups = `clients:
  - { name: none, connections: 1 }
  - { name: two, connections: 1, connect: [ ${step(1)}, ${step(2)} ], loop: [ ${step(3)}, ${step(4)} ] }
  - { name: one, connections: 1, connect: [ ${step(5)} ], mix: [ ${step(6)} ] }
`
const beat = 'heartbeat: { every: 1s, send: { type: 9 } }\n'

test.each([
  ['a key', 'key: secret\n', ['key.hello', 'key.signature']],
  ['no key', '', []],
])('RequestSequence has the handshake of each group, with %s', (_, key, before) => {
  const { sequence, handshakeOf, nextOf } = sequenceOf(`${groups}${beat}${key}`)
  // Links of groups that send come first.
  for (let times = 0; times < 2; times++) {
    expect(handshakeOf(0)).toEqual([...before, 'two.connect[0]', 'two.connect[1]'])
    expect(handshakeOf(1)).toEqual([...before, 'one.connect[0]'])
    expect(handshakeOf(2)).toEqual(before)
  }
  expect([nextOf(0), nextOf(1), nextOf(0), nextOf(1), nextOf(0)]).toEqual([
    ...['two.loop[0]', 'one.mix[0]', 'two.loop[1]', 'one.mix[0]', 'two.loop[0]'],
  ])
  sequence.restart(0)
  expect(nextOf(0)).toBe('two.loop[0]')
})

test('RequestSequence tells a pass that is done from a link that has none to make', () => {
  const { sequence, nextOf } = sequenceOf(`${groups}load: { mode: once }\n`)
  const done = () => [0, 1, 2].map(link => sequence.isPassDone(link))
  expect(done()).toEqual([false, false, false])
  expect([sequence.requestsLeft(0), sequence.requestsLeft(1)]).toEqual([2, 1])
  nextOf(0)
  nextOf(1)
  expect(done()).toEqual([false, true, false])
  sequence.skipPass(0)
  expect(done()).toEqual([true, true, false])
})
