import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'

function faultsOf(lines: string): string[] {
  const yaml = `name: test\ntarget: { address: "tcp://127.0.0.1:1" }\n${lines}\n`
  try {
    parseScenario(yaml, 's.yaml', [], {})
    return []
  } catch (error) {
    return (error as { message: string }).message.split('\n').map(line => line.replace(/^\S+\s+/, '').trim())
  }
}

test('expect: nothing is for steps of the loop, of a mix and of the handshake', () => {
  expect(
    faultsOf('protocol: line\nconnect: [{ send: a, expect: nothing }]\nloop: [{ send: b, expect: nothing }]'),
  ).toEqual([])
  expect(
    faultsOf('protocol: line\nmix: [{ send: a, expect: nothing }, { send: b }]\nthresholds: [ p99 < 5ms ]'),
  ).toEqual([])
})

test.each([
  [
    'protocol: http\nloop: [{ send: GET /, expect: nothing }]',
    'loop[0].expect',
    'cannot be nothing with protocol http',
  ],
  ['protocol: broadcast\nloop: [{ send: a, expect: nothing }]', 'loop[0].expect', 'a broadcast server acknowledges'],
  [
    'protocol: line\nloop: [{ send: a, expect: nothing, capture: { x: body } }]',
    'loop[0].capture',
    'needs a reply, and this step expects nothing',
  ],
  [
    'protocol: line\nconnect: [{ expect: nothing }]\nloop: [{ send: a }]',
    'connect[0].expect',
    'a step that sends nothing and expects nothing does nothing',
  ],
  [
    'protocol: line\nloop: [{ send: a, expect: nothing }]\nthresholds: [ errors < 1%, p99 < 5ms ]',
    'thresholds[1]',
    'p99 needs replies, and no step has any; throughput, errors and availability do not',
  ],
])('%j is refused', (lines, place, message) => {
  const [fault, ...others] = faultsOf(lines)
  expect(others).toEqual([])
  expect(fault).toContain(place)
  expect(fault).toContain(message)
})

test('over UDP requests without a reply may be pipelined, as no reply can be taken for another', () => {
  const lines = (expect: string) =>
    `target: { address: "udp://127.0.0.1:1" }\nprotocol: line\nload: { pipeline: 8 }\nloop: [{ send: a${expect} }]`
  const faults = (expect: string) => {
    try {
      parseScenario(`name: test\n${lines(expect)}\n`, 's.yaml', [], {})
      return ''
    } catch (error) {
      return (error as { message: string }).message
    }
  }
  expect(faults(', expect: nothing')).toBe('')
  expect(faults('')).toContain('load.pipeline')
})
