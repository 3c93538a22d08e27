import { expect, test } from 'vitest'
import type { ProtocolSpec } from '../protocolSpec.ts'
import { protocolSpec } from '../spec.ts'
import {
  type AskedLayers,
  checkLayers,
  isKeyed,
  layerSettings,
  layersUnsupported,
  splitLayerNames,
} from './settings.ts'

const tlv = protocolSpec('tlv')
const labels = { layers: '--layers', key: '--layer-key' }

function faultsOf(asked: AskedLayers, spec: ProtocolSpec | undefined = tlv): string[] {
  const faults: string[] = []
  checkLayers(asked, spec, labels, (label, message) => faults.push(`${label} ${message}`))
  return faults
}

test('checkLayers() returns valid layers with their key, and undefined for none', () => {
  const refuse = (label: string, message: string) => expect.unreachable(`${label} ${message}`)
  const names = ['gzip', 'aes-256-gcm', 'crc32'] as const
  expect(checkLayers({ names, key: 'secret' }, tlv, labels, refuse)).toEqual({ names, key: 'secret' })
  expect(checkLayers({ names: ['gzip'] }, tlv, labels, refuse)).toEqual({ names: ['gzip'] })
  const placed = { names: ['hmac-sha1:before', 'crc32:after'], key: 'secret' }
  expect(checkLayers(placed, tlv, labels, refuse)).toEqual({ names: ['hmac-sha1:before', 'crc32'], key: 'secret' })
  expect(checkLayers({ names: [] }, protocolSpec('line'), labels, refuse)).toBeUndefined()
  expect(checkLayers({ names: ['gzip'] }, undefined, labels, refuse)).toEqual({ names: ['gzip'] })
})

test.each<[AskedLayers, string[]]>([
  [
    { names: ['zip', ''] },
    ['zip', ''].map(
      name =>
        `--layers expected names out of deflate, gzip, crc32, hmac-sha1, hmac-sha256 and aes-256-gcm with commas between, got "${name}"`,
    ),
  ],
  [{ names: Array(9).fill('crc32') }, ['--layers expected at most 8 layers, got 9']],
  [
    { names: ['hmac-sha1', 'gzip', 'aes-256-gcm', 'hmac-sha1'] },
    ['--layers need --layer-key for hmac-sha1 and aes-256-gcm'],
  ],
  [{ names: ['hmac-sha1:before', 'crc32:before'] }, ['--layers need --layer-key for hmac-sha1']],
  [
    { names: ['gzip:before', 'hmac-sha1:behind', 'crc32:', 'zip:before'] },
    [
      '--layers expected gzip without a place, got "gzip:before"; with :before, crc32, hmac-sha1 and hmac-sha256 stand before the body, not after it',
      '--layers expected hmac-sha1:before or hmac-sha1:after, got "hmac-sha1:behind"',
      '--layers expected crc32:before or crc32:after, got "crc32:"',
      expect.stringMatching(/^--layers expected names out of .*, got "zip:before"$/),
    ],
  ],
  [{ names: ['hmac-sha1'], hasKey: true }, []],
  [{ names: ['hmac-sha1'], key: '' }, ['--layer-key expected 1 to 1024 characters']],
  [{ names: ['hmac-sha1'], key: 'x'.repeat(1025) }, ['--layer-key expected 1 to 1024 characters']],
  [
    { names: ['gzip'], key: 'secret' },
    ['--layer-key goes with --layers that have a key: hmac-sha1, hmac-sha256 or aes-256-gcm'],
  ],
])('checkLayers() reports what is wrong with %j', (asked, faults) => {
  expect(faultsOf(asked)).toEqual(faults)
})

test('checkLayers() reports a protocol whose bodies cannot have layers', () => {
  expect(faultsOf({ names: ['gzip'] }, protocolSpec('http'))).toEqual([
    '--layers go with protocol frame, tlv or rpc, not with http',
  ])
})

test('layersUnsupported() accepts a frame whose body has no byte of the header', () => {
  expect(layersUnsupported(protocolSpec('frame'))).toBeUndefined()
  expect(layersUnsupported(protocolSpec({ frame: { strip: 9 } }))).toBeUndefined()
  expect(layersUnsupported(protocolSpec({ frame: { strip: 3 } }))).toBe(
    'need a strip of at least 4, as layers must not change the header; it is 3',
  )
})

test('layerSettings() is undefined for a scenario without layers', () => {
  expect(layerSettings({})).toBeUndefined()
  expect(layerSettings({ layers: [] })).toBeUndefined()
  expect(layerSettings({ layers: ['hmac-sha1'], layerKey: 'secret' })).toEqual({ names: ['hmac-sha1'], key: 'secret' })
})

test('isKeyed() is true for layers with a key, wherever they stand', () => {
  const found = ['hmac-sha1', 'hmac-sha256:before', 'aes-256-gcm', 'crc32:before', 'gzip', 'x', ''].map(isKeyed)
  expect(found).toEqual([true, true, true, false, false, false, false])
})

test('splitLayerNames() splits a text at commas', () => {
  expect(splitLayerNames('gzip, crc32')).toEqual(['gzip', 'crc32'])
  expect(splitLayerNames('')).toEqual([''])
  expect(splitLayerNames(undefined)).toEqual([])
})
