import { expect, test } from 'vitest'
import { z } from 'zod'
import { UserError } from '../errors.ts'
import { list } from '../invalidValue.ts'
import { createProtocol } from './catalog.ts'
import { describeProtocol } from './describeProtocol.ts'
import type { ProtocolSpec } from './protocolSpec.ts'
import { allNames, protocolSchema, protocolSpec, protocolText } from './spec.ts'

const frameDefaults = { lengthOffset: 0, lengthBytes: 4, endian: 'big', lengthAdjustment: 0, maxFrame: 1_048_576 }

function faultsOf(input: unknown): string[] {
  try {
    protocolSpec(input)
  } catch (error) {
    if (error instanceof UserError) return error.faults.map(fault => fault.message)
    throw error
  }
  return []
}

test('protocolSpec() reads a name alone', () => {
  expect(protocolSpec('raw')).toEqual({ name: 'raw' })
  expect(protocolSpec('line')).toEqual({ name: 'line', delimiter: '\n', maxFrame: 1_048_576 })
  expect(protocolSpec('frame')).toEqual({ name: 'frame', ...frameDefaults })
  expect(protocolSpec('tlv')).toEqual({ name: 'tlv', maxFrame: 1_048_576 })
  expect(protocolSpec('rpc')).toEqual({ name: 'rpc', lengthPrefix: true, maxFrame: 2_097_152 })
  expect(protocolSpec('http')).toEqual({ name: 'http', maxFrame: 1_048_576 })
  expect(protocolSpec('resp')).toEqual({ name: 'resp', maxFrame: 1_048_576 })
})

test('protocolSpec() reads a name with settings', () => {
  expect(protocolSpec({ raw: { reply: { bytes: 5 } } })).toEqual({ name: 'raw', replyBytes: 5 })
  expect(protocolSpec({ line: { delimiter: '\r\n', maxFrame: '64KiB' } })).toEqual({
    name: 'line',
    delimiter: '\r\n',
    maxFrame: 65_536,
  })
  const frame = { lengthBytes: 2, endian: 'little', strip: 0, id: { offset: 4, bytes: 2 } }
  expect(protocolSpec({ frame })).toEqual({ name: 'frame', ...frameDefaults, ...frame })
  expect(protocolSpec({ rpc: { lengthPrefix: false } })).toEqual({
    name: 'rpc',
    lengthPrefix: false,
    maxFrame: 2_097_152,
  })
  expect(protocolSpec({ http: { host: '[::1]:8080', maxFrame: '64MiB' } })).toEqual({
    name: 'http',
    host: '[::1]:8080',
    maxFrame: 67_108_864,
  })
})

test('protocolSpec() reads redis as another name of resp', () => {
  expect(protocolSpec('redis')).toEqual(protocolSpec('resp'))
  const login = { user: 'me', password: 'geheim', database: 3 }
  expect(protocolSpec({ redis: { version: 3, ...login, maxFrame: '1KiB' } })).toEqual({
    name: 'resp',
    version: 3,
    ...login,
    maxFrame: 1024,
  })
  expect(protocolSpec({ resp: { version: 2 } })).toEqual(protocolSpec('resp'))
  // A command line can be read by everybody.
  expect(protocolText(protocolSpec({ redis: login }))).toBe('{"resp":{"maxFrame":1048576}}')
  expect(faultsOf({ redis: { user: 'me', database: -1, version: 4 } })).toEqual([
    'redis.version: expected 2 or 3, got 4',
    'redis.database: expected a whole number from 0 to 2147483647, got -1',
  ])
  expect(faultsOf({ redis: { user: 'me' } })).toEqual(['redis.user: needs a password beside it'])
  expect(faultsOf({ redis: {}, resp: {} })).toEqual(['expected one protocol, got "redis" and "resp"'])
})

test('protocolSpec() reports what was expected and found', () => {
  expect(faultsOf({ tlv: { maxFrame: 'big' } })).toEqual(['tlv.maxFrame: expected a size such as 64KiB, got "big"'])
  expect(faultsOf({ tlv: { maxFrame: '65MiB' } })).toEqual([
    'tlv.maxFrame: expected a size from 1 B to 64 MiB, got "65MiB"',
  ])
  expect(faultsOf({ rpc: { lengthPrefix: 'no' } })).toEqual(['rpc.lengthPrefix: expected true or false, got "no"'])
  expect(faultsOf({ rpc: { id: { max: 0 } } })).toEqual([
    'rpc.id.max: expected a whole number from 1 to 4,294,967,295, got 0',
  ])
  expect(faultsOf({ rpc: { id: 5 } })).toEqual(['rpc.id: expected { max: 160000 }, got 5'])
  expect(faultsOf({ line: { delimiter: '' } })).toEqual(['line.delimiter: expected 1 to 64 bytes, got ""'])
  expect(faultsOf({ raw: { reply: 5 } })).toEqual(['raw.reply: expected { bytes: 5 }, got 5'])
  expect(faultsOf({ http: { host: 'a\r\nb' } })).toEqual([
    'http.host: expected a host such as example.org, got "a\\r\\nb"',
  ])
  expect(faultsOf({ broadcast: { framing: 'lines' } })).toEqual([
    'broadcast.framing: expected line, json, text or websocket, got "lines"',
  ])
  expect(faultsOf({ tlv: null })).toEqual(['tlv: expected a mapping with maxFrame, got nothing'])
  expect(faultsOf(5)).toEqual(['expected a protocol such as tlv, got 5'])
  expect(faultsOf({ tlv: {}, rpc: {} })).toEqual(['expected one protocol, got "tlv" and "rpc"'])
})

test('protocolSpec() lists every fault at once', () => {
  expect(faultsOf({ frame: { lengthBytes: 5, endian: 'middle', id: { offset: -1 }, maxframe: 9 } })).toEqual([
    'frame.lengthBytes: expected 1, 2, 3, 4 or 8, got 5',
    'frame.endian: expected big or little, got "middle"',
    'frame.id.offset: expected a whole number from 0 to 65536, got -1',
    'frame.id.bytes: missing; expected 1, 2, 3 or 4',
    'frame: unknown key "maxframe"; did you mean "maxFrame"?',
  ])
})

test('protocolSpec() refuses a frame whose fields exclude each other', () => {
  expect(faultsOf({ frame: { id: { offset: 2, bytes: 4 } } })).toEqual([
    'frame.id.offset: expected an offset outside the length field (bytes 0 to 3), got 2',
  ])
  expect(faultsOf({ frame: { maxFrame: 7, id: { offset: 4, bytes: 4 } } })).toEqual([
    "frame.maxFrame: expected at least the 8 bytes of a frame's header, got 7",
  ])
  expect(faultsOf({ frame: { id: { offset: 4, bytes: 2, max: 65_536 } } })).toEqual([
    'frame.id.max: expected at most 65535 with ids of 16 bits, got 65536',
  ])
})

const known = list(allNames)

test('protocolSpec() distinguishes protocols of later versions from unknown ones', () => {
  const later = (name: string) => `protocol "${name}" is not in this version of volley; it has ${known}`
  for (const name of ['./my-protocol.js', 'own.mts']) {
    expect(faultsOf(name)).toEqual([later(name)])
    expect(faultsOf({ [name]: {} })).toEqual([later(name)])
  }
  expect(faultsOf('TVL')).toEqual(['unknown protocol "TVL"; did you mean "tlv"?'])
  expect(faultsOf('kafka-streams')).toEqual([`unknown protocol "kafka-streams"; known protocols: ${known}`])
  expect(faultsOf('rediss')).toEqual(['unknown protocol "rediss"; did you mean "redis"?'])
})

test('protocolSchema keeps the path and the keys of a fault, so that a caller can find their place in a file', () => {
  const schema = z.strictObject({ protocol: protocolSchema })
  const issues = schema.safeParse({ protocol: { frame: { endian: 1, id: { offset: 8, bytes: 1, byte: 1 } } } }).error
    ?.issues
  expect(issues).toMatchObject([
    { path: ['protocol', 'frame', 'endian'] },
    { code: 'unrecognized_keys', path: ['protocol', 'frame', 'id'], keys: ['byte'] },
  ])
})

test('protocolSchema becomes a JSON Schema with names and settings', () => {
  const schema = z.toJSONSchema(z.strictObject({ protocol: protocolSchema }), { io: 'input', unrepresentable: 'any' })
  const text = JSON.stringify(schema)
  expect(text).toContain(`"enum":${JSON.stringify(allNames)}`)
  expect(text).toContain('"lengthAdjustment":{')
  expect(text).toContain('"additionalProperties":false')
})

test('protocolText() gives a text that protocolSpec() reads as the same protocol', () => {
  const specs: ProtocolSpec[] = ['raw', 'line', 'frame', 'tlv', 'rpc', 'broadcast', 'http', 'resp'].map(protocolSpec)
  specs.push(
    protocolSpec({ http: { host: 'example.org' } }),
    protocolSpec({ raw: { reply: { bytes: 7 } } }),
    protocolSpec({ frame: { strip: 6, lengthBytes: 2 } }),
    protocolSpec({ rpc: { id: { max: '160k' } } }),
    protocolSpec({ frame: { id: { offset: 4, bytes: 2, max: 1000 } } }),
    protocolSpec({ broadcast: { framing: 'json' } }),
    protocolSpec({ broadcast: { framing: 'text' } }),
    protocolSpec({ broadcast: { framing: 'websocket' } }),
  )
  for (const spec of specs) {
    expect(protocolSpec(JSON.parse(protocolText(spec)))).toEqual(spec)
    expect(createProtocol(spec).name).toBe(spec.name)
  }
})

test('describeProtocol() names unusual settings', () => {
  expect(
    ['raw', 'line', 'frame', 'tlv', 'rpc', 'broadcast', 'http', 'resp'].map(name =>
      describeProtocol(protocolSpec(name)),
    ),
  ).toEqual(['raw', 'line', 'frame', 'tlv', 'rpc', 'broadcast', 'http', 'resp'])
  const frame = { lengthOffset: 2, lengthBytes: 2, endian: 'little', id: { offset: 4, bytes: 2 } }
  expect(describeProtocol(protocolSpec({ frame }))).toBe('frame, 2-byte little-endian length at 2, 2-byte id at 4')
  expect(describeProtocol(protocolSpec({ line: { delimiter: '\r\n' } }))).toBe('line, ended by "\\r\\n"')
  expect(describeProtocol(protocolSpec({ rpc: { lengthPrefix: false } }))).toBe('rpc without length prefix')
  expect(describeProtocol(protocolSpec({ rpc: { id: { max: 160_000 } } }))).toBe('rpc, ids up to 160,000')
  const id = { offset: 4, bytes: 2, max: 9 }
  expect(describeProtocol(protocolSpec({ frame: { id } }))).toBe('frame, 2-byte id at 4, ids up to 9')
  expect(describeProtocol(protocolSpec({ broadcast: { framing: 'text' } }))).toBe('broadcast, framing text')
  expect(protocolSpec({ broadcast: { framing: 'line' } })).toEqual({ name: 'broadcast', maxFrame: 1024 * 1024 })
})
