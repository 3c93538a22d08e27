import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyMapping } from '../../mapping.ts'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { readSource } from '../yaml/source.ts'
import { renderScenario } from './render.ts'

/** What a file with this text says. */
function dataIn(text: string): unknown {
  const source = readSource(text, {})
  if (!('data' in source)) throw new Error(`${JSON.stringify(source)} in ${text}`)
  expect(source.issues).toEqual([])
  return source.data
}

test('renderScenario() writes a key a line, each with its comment', () => {
  const text = renderScenario({
    name: 'mine',
    seed: 3,
    thresholds: ['errors < 1%'],
    loop: [{ send: { type: 1, body: 'a: b' } }, { send: '${A} {{seq}}', think: '1ms' }],
    target: { address: 'tcp://127.0.0.1:1' },
  })
  expect(text.replaceAll(/^# .*\n/gm, '')).toMatchInlineSnapshot(`
    "name: mine

    target: { address: tcp://127.0.0.1:1 }

    loop:
      - send: { type: 1, body: "a: b" }
      - send: $\${A} {{seq}}
        think: 1ms
        # expect: { contains: OK }   # what the reply must be; any other is a failure

    thresholds:
      - errors < 1%
      # - p99 < 50ms
      # - throughput > 1k/s
    seed: 3
    "
  `)
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
})

test('renderScenario() proposes nothing that is there already', () => {
  const proposals = (settings: object) => renderScenario({ ...settings }).match(/^ *# (load|expect|think|-)(?=[: ])/gm)
  expect(proposals({ load: { pipeline: 1 }, loop: [{ send: 'a' }] })).toEqual(['# load', '    # expect', '    # think'])
  expect(proposals({ loop: [{ send: 'a', think: '1s' }] })).toEqual(['    # expect'])
  expect(proposals({ load: { rate: '1/s' }, loop: [{ send: 'a', expect: 'echo' }] })).toBeNull()
})

test('renderScenario() with its proposals taken up is a scenario too', () => {
  const text = renderScenario({ loop: [{ send: 'a' }], thresholds: ['errors < 1%'] })
  const taken = text.replaceAll(/^( +)# (expect|think|- )/gm, '$1$2')
  expect(dataIn(taken)).toEqual({
    loop: [{ send: 'a', expect: { contains: 'OK' }, think: '1s' }],
    thresholds: ['errors < 1%', 'p99 < 50ms', 'throughput > 1k/s'],
  })
})

test('renderScenario() quotes a text of several lines', () => {
  for (const text of [':\n$', '- a\nb', 'a\n', '? x\n: y']) {
    expect(dataIn(renderScenario({ loop: [{ A: [text] }] }))).toEqual({ loop: [{ A: [text] }] })
  }
})

test('renderScenario() writes every value so that it is read as it was', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom('$', '{', '}', ':', ' ', '#', '-', '\n', '\t', '"', "'", '!', '&', '*', '0', ',', '['),
    }),
    fc.constantFrom(
      'true',
      'null',
      '~',
      '1e3',
      '0x1',
      '10s',
      '',
      '- a',
      'a: b',
      '%TAG',
      '---',
      '...',
      '2026-11-21',
      '=',
      '<<',
    ),
  )
  const { value } = fc.letrec<{ value: unknown }>(tie => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      text,
      fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.double({ noNaN: true, noDefaultInfinity: true })),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.stringMatching(/^[A-Za-z][\w-]{0,9}$/), tie('value'), { maxKeys: 3 }),
    ),
  }))
  fc.assert(
    fc.property(value, fc.constantFrom('loop', 'load', 'name', 'other'), (value, key) => {
      expect(plain(dataIn(renderScenario({ [key]: value })))).toEqual(plain({ [key]: value }))
    }),
    { numRuns: 10 * propertyRuns },
  )
})

/** The same without prototypes, as files are read, and without a negative zero. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value === 0 ? 0 : value
  return Object.assign(
    emptyMapping(),
    Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)])),
  )
}
