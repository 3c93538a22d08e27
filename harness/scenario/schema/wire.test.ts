import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import { faultsWith, minimalWith } from '../testing/faults.ts'

const piped = 'load: { pipeline: 10 }'

test.each([
  ['wire: { split: 3 bytes }', { split: 3 }],
  ['wire: { split: 1 byte, delay: 5ms }', { split: 1, delay: 5 }],
  ['wire: { split: 2KiB, delay: 0 }', { split: 2048, delay: 0 }],
  ['wire: { split: 7 }', { split: 7 }],
  ['wire: { split: every-byte }', { split: 1 }],
  ['wire: { split: random }', { split: 'random' }],
  ['wire: { coalesce: 10, delay: 500us }', { coalesce: 10, delay: 0.5 }],
])('parseScenario() accepts %s', (line, wire) => {
  expect(parseScenario(minimalWith(piped, line), 's.yaml', [], {}).scenario.wire).toEqual(wire)
})

test.each([
  ['wire: { split: few }', '6:16 wire.split: expected a size such as 3 bytes, every-byte or random, got "few"'],
  ['wire: { split: 0 bytes }', '6:16 wire.split: expected pieces of 1 B to 1 MiB, got "0 bytes"'],
  ['wire: { split: 2MiB }', '6:16 wire.split: expected pieces of 1 B to 1 MiB, got "2MiB"'],
  ['wire: { coalesce: 1 }', '6:19 wire.coalesce: expected a whole number from 2 to 65,536, got 1'],
  [
    'wire: { coalesce: 11 }',
    '6:19 wire.coalesce: expected at most load.pipeline (10): no more requests wait together, got 11',
  ],
  ['wire: { split: 3, delay: 2m }', '6:26 wire.delay: expected a duration from 0ms to 60s, got "2m"'],
  ['wire: { delay: 5ms }', '6:7 wire: expected one of split and coalesce, got neither'],
  ['wire: { split: 3, coalesce: 2 }', '6:7 wire: expected one of split and coalesce, got both'],
  ['wire: { splitt: 3 }', '6:9 wire: unknown key "splitt"; did you mean "split"?'],
  ['wire: slow', '6:7 wire: expected a mapping such as { split: 3 bytes } or { coalesce: 10, delay: 5ms }, got "slow"'],
])('parseScenario() reports what is wrong with %s', (line, fault) => {
  expect(faultsWith(piped, line)).toEqual([`s.yaml:${fault}`])
})
