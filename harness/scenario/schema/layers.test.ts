import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import { parseSet } from '../setting.ts'
import { faultsIn, faultsWith, minimalWith } from '../testing/faults.ts'

const tlv = 'protocol: tlv'
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
  [
    [tlv, 'layers: [zip]'],
    ['s.yaml:5:10 layers[0]: expected deflate, gzip, crc32, hmac-sha1, hmac-sha256 or aes-256-gcm, got "zip"'],
  ],
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
