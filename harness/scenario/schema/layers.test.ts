import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import { parseSet } from '../setting.ts'
import { faultsIn, faultsWith, minimalWith } from '../testing/faults.ts'

const tlv = 'protocol: tlv'
const forms =
  'deflate, gzip, crc32, hmac-sha1, hmac-sha256 or aes-256-gcm, or a mapping such as { hmac-sha1: { place: before } }'
const keyed = 'hmac-sha1, hmac-sha256'

function load(text: string, environment = {}, ...sets: string[]) {
  return parseScenario(text, 's.yaml', sets.map(parseSet), environment)
}

test('parseScenario() reads layers in their order, and a key that it never shows', () => {
  const { scenario, redacted } = load(minimalWith(tlv, 'layers: [gzip, aes-256-gcm, crc32]', 'layerKey: 007'))
  expect(scenario).toMatchObject({ layers: ['gzip', 'aes-256-gcm', 'crc32'], layerKey: '007' })
  expect(redacted).toEqual({ ...scenario, layerKey: '***' })
  const ofEnvironment = load(minimalWith(tlv, 'layers: [hmac-sha1]', 'layerKey: ${KEY}'), { KEY: '1e3' })
  expect(ofEnvironment.scenario.layerKey).toBe('1e3')
  expect(ofEnvironment.redacted.layerKey).toBe('***')
  const set = load(minimalWith(tlv, 'layers: [hmac-sha1]', 'layerKey: a'), {}, 'layerKey=008')
  expect([set.scenario.layerKey, set.redacted.layerKey]).toEqual(['008', '***'])
})

test('parseScenario() reads where a layer stands, as a mapping or a text', () => {
  const layers =
    'layers: [{ hmac-sha1: { place: before } }, crc32:before, { crc32: { place: after } }, { crc32: {} }, hmac-sha256:after]'
  const { scenario } = load(minimalWith(tlv, layers, 'layerKey: a'))
  expect(scenario.layers).toEqual(['hmac-sha1:before', 'crc32:before', 'crc32', 'crc32', 'hmac-sha256'])
  const set = load(minimalWith(tlv, 'layerKey: a'), {}, 'layers=[hmac-sha1:before]')
  expect(set.scenario.layers).toEqual(['hmac-sha1:before'])
})

test('parseScenario() never shows the layer key of a reference server', () => {
  const target = 'target: { serve: tlv, options: { layerKey: secret, layers: hmac-sha1 } }'
  const { scenario, redacted } = load(minimalWith(tlv, target))
  expect(scenario.target).toMatchObject({ options: { layerKey: 'secret' } })
  expect(redacted.target).toEqual({ serve: 'tlv', options: { layerKey: '***', layers: 'hmac-sha1' } })
})

test.each([
  [['layers: [gzip]', 'protocol: line'], ['s.yaml:5:9 layers: go with protocol frame, tlv or rpc, not with line']],
  [['layers: [gzip]'], ['s.yaml:5:9 layers: go with protocol frame, tlv or rpc, not with raw']],
  [
    ['protocol: { frame: { strip: 0 } }', 'layers: [gzip]'],
    ['s.yaml:5:9 layers: need a strip of at least 4, as layers must not change the header; it is 0'],
  ],
  [
    [tlv, 'layers: [hmac-sha1, gzip, aes-256-gcm, hmac-sha1]'],
    ['s.yaml:5:9 layers: need layerKey for hmac-sha1 and aes-256-gcm'],
  ],
  [
    [tlv, 'layers: [gzip]', 'layerKey: secret'],
    [`s.yaml:6:1 layerKey goes with layers that have a key: ${keyed} or aes-256-gcm`],
  ],
  [[tlv, 'layerKey: secret'], [`s.yaml:5:1 layerKey goes with layers that have a key: ${keyed} or aes-256-gcm`]],
  [[tlv, 'layers: [zip]'], [`s.yaml:5:10 layers[0]: expected ${forms}, got "zip"`]],
  [
    [
      tlv,
      'layers: [{ hmac-sha1: { place: behind, at: 1 } }, { crc32: before }, { gzip: { place: before } }, { hmac: {} }]',
    ],
    [
      's.yaml:5:32 layers[0].hmac-sha1.place: expected before or after, got "behind"',
      's.yaml:5:40 layers[0].hmac-sha1: unknown key "at"; known keys: place',
      's.yaml:5:60 layers[1].crc32: expected a mapping such as { place: before }, got "before"',
      's.yaml:5:70 layers[2]: gzip has no place: only crc32, hmac-sha1 and hmac-sha256 can stand before the body',
      's.yaml:5:99 layers[3]: unknown layer "hmac"; known layers: deflate, gzip, crc32, hmac-sha1, hmac-sha256 and aes-256-gcm',
    ],
  ],
  [
    [tlv, 'layers: [gzip:before, crc32:front, {}, { crc32: {}, hmac-sha1: {} }, zip:before]'],
    [
      's.yaml:5:10 layers[0]: expected gzip without a place, got "gzip:before"; with :before, crc32, hmac-sha1 and hmac-sha256 stand before the body, not after it',
      's.yaml:5:23 layers[1]: expected crc32:before or crc32:after, got "crc32:front"',
      `s.yaml:5:36 layers[2]: expected ${forms}, got a mapping`,
      's.yaml:5:40 layers[3]: expected one layer, got "crc32" and "hmac-sha1"',
      `s.yaml:5:70 layers[4]: expected ${forms}, got "zip:before"`,
    ],
  ],
  [[tlv, 'layers: [{ hmac-sha1: { place: before } }]'], ['s.yaml:5:9 layers: need layerKey for hmac-sha1']],
  [[tlv, 'layers: gzip'], ['s.yaml:5:9 layers: expected a list of layers such as gzip or crc32, got "gzip"']],
  [
    [tlv, 'layers: [hmac-sha1]', 'layerKey: [secret]'],
    ['s.yaml:6:11 layerKey: expected a key of at most 1024 characters, got ***'],
  ],
])('parseScenario() reports what is wrong with layers: %j', (lines, faults) => {
  expect(faultsWith(...lines)).toEqual(faults)
})

test('parseScenario() bounds the number of layers', () => {
  const text = minimalWith(tlv, `layers: [${Array(9).fill('crc32').join(', ')}]`)
  expect(faultsIn(text)).toEqual([
    's.yaml:5:9 layers: expected at most 8 layers such as gzip or crc32, got a list of 9',
  ])
})
