import { expect, test } from 'vitest'
import { UserError } from '../../errors.ts'
import { encodeRequests } from '../../plan/requests.ts'
import { composeProtocol } from '../../protocols/composed.ts'
import { parseScenario } from '../load.ts'
import { resolveProtocol } from '../resolve.ts'

const head = 'name: x\ntarget: { address: "tcp://127.0.0.1:1" }\n'

function scenarioOf(send: string, protocol = 'raw') {
  return parseScenario(`${head}protocol: ${protocol}\nloop: [{ send: ${send} }]\n`, 's.yaml', [], {})
}

function faultsOf(send: string): string[] {
  try {
    scenarioOf(send)
    return []
  } catch (error) {
    if (error instanceof UserError) return error.faults.map(({ place, message }) => `${place} ${message}`)
    throw error
  }
}

/** The bytes of the request as hexadecimal digits, and where its slots are. */
function encoded(send: string, protocol?: string) {
  const { scenario } = scenarioOf(send, protocol)
  const composed = composeProtocol(resolveProtocol(scenario))
  const { frames, patches } = encodeRequests(scenario, composed, { files: new Map(), rows: [] }, 1)
  return { hex: Buffer.from(frames[0]!).toString('hex'), patches: patches[0]! }
}

test.each([
  [
    'numbers in bytes',
    '[{ u8: 1 }, { u16: 2 }, { u16le: 2 }, { i32: -2 }, { u24: 66051 }]',
    '0100020200fffffffe010203',
  ],
  ['numbers of 64 bits', '[{ u64: "18446744073709551615" }, { i64le: -1 }]', 'ffffffffffffffffffffffffffffffff'],
  ['floating-point numbers and characters', '[{ f32: 1 }, { f64le: 1 }, { char: Q }]', '3f800000000000000000f03f51'],
  ['texts and bytes, one after the other', '[ab, { hex: "00 ff" }, [c, { base64: "ZA==" }]]', '616200ff6364'],
  ['a length before what it is of', '{ length: u16, of: hello }', '000568656c6c6f'],
  ['a length that counts itself', '{ length: u32, counts: itself, of: [{ u16: 3 }, a] }', '00000007000361'],
  ['a length in digits with its end', '["put ", { length: decimal, ends: "\\r\\n", of: job }]', '70757420330d0a6a6f62'],
  [
    'lengths in lengths',
    '{ length: leb128, of: [{ length: u8, of: a }, { length: u8, of: bc }] }',
    '05016102' + '6263',
  ],
  [
    'a checksum behind what it is of',
    '{ checksum: crc16-modbus, as: u16le, of: { hex: "010300000001" } }',
    '010300000001840a',
  ],
  ['numbers in hexadecimal digits and in bits', '[{ u16: "0x1fF" }, { u8: 0b11000010 }, { u8: "0b1" }]', '01ffc201'],
  ['no length where it is of nothing, if so asked', '[a, { length: u16, of: "", omit: empty }, b]', '6162'],
  ['a length that may be omitted, and is not', '{ length: u16, of: c, omit: empty }', '000163'],
  ['a name of DNS as labels', '[{ domain: www.example.org }, { u8: 1 }]', '03777777076578616d706c65036f7267' + '0001'],
  ['a checksum in digits', '{ checksum: sum8, as: { digits: 3 }, of: "A" }', '41303635'],
])('a payload has %s', (_, send, hex) => {
  expect(encoded(send).hex).toBe(hex)
})

test('numbers in bytes may be slots, and texts in parts have theirs', () => {
  const { hex, patches } = encoded(
    '[{ u16: "{{random 0..99}}" }, a, { length: u8, of: "{{seq 4}}" }, { u64le: "{{seq}}" }]',
  )
  expect(hex).toBe('3030' + '61' + '04' + '30303030' + '3030303030303030')
  expect(patches).toEqual([
    { kind: 'number', offset: 0, length: 2, binary: 'big', from: 0, to: 99 },
    { kind: 'seq', offset: 4, length: 4 },
    { kind: 'seq', offset: 8, length: 8, binary: 'little' },
  ])
})

test('slots of a fixed width stand within the labels of a name', () => {
  const { hex, patches } = encoded('{ domain: "w{{random 0..999}}x.{{seq 2}}.org." }')
  expect(hex).toBe('0577' + '303030' + '78' + '02' + '3030' + '036f726700')
  expect(patches).toEqual([
    { kind: 'number', offset: 2, length: 3, from: 0, to: 999 },
    { kind: 'seq', offset: 7, length: 2 },
  ])
})

test('a column fills in a name with all of its labels, each row for itself', () => {
  const lines = 'protocol: raw\ndata: { file: names.csv }\nloop: [{ send: [{ domain: "{{data.name}}.org" }, a] }]\n'
  const { scenario } = parseScenario(`${head}${lines}`, 's.yaml', [], {})
  const composed = composeProtocol(resolveProtocol(scenario))
  const encode = (...names: string[]) =>
    encodeRequests(scenario, composed, { files: new Map(), rows: names.map(name => ({ name })) }, 1)
  expect(encode('a', 'b.cd').frames.map(frame => Buffer.from(frame).toString('latin1'))).toEqual([
    '\x01a\x03org\0a',
    '\x01b\x02cd\x03org\0a',
  ])
  expect(() => encode('a..b')).toThrow('expected a label of 1 to 63 bytes between the dots of a name')
  expect(() => encode('a{{b')).toThrow('expected a name in ASCII without blanks and braces')
})

test('parts go into the body of a frame', () => {
  const frame = '{ frame: [ { id: u16 }, { length: u16 }, { function: u8 }, body ] }'
  expect(encoded('{ function: 3, body: [{ u16: 7 }, { u16: 5 }] }', frame).hex).toBe('000000050300070005')
})

test('a part alone is the body of a frame with fields', () => {
  const frame = '{ frame: [ { length: u16 }, { number: u8, value: 9 }, body ] }'
  expect(encoded('{ u8: 14 }', frame).hex).toBe('0002090e')
  expect(encoded('{ length: u8, of: ab }', frame).hex).toBe('000409026162')
  expect(encoded('{ domain: a }', frame).hex).toBe('000409016100')
})

test.each([
  ['[]', 's.yaml:4:16 loop[0].send: expected text, { hex: ... }, { u32: 7 }'],
  ['[a, { u8: 300 }]', 'loop[0].send[1]: expected 0 to 255 (u8), got 300'],
  [
    '[{ u8: "{{uuid}}" }]',
    'expected a slot that is a number, such as {{seq}} or {{random 0..99}}, for u8, got {{uuid}}',
  ],
  ['[{ u8: "{{random 0..999}}" }]', 'expected 0 to 255 (u8), got up to 999'],
  ['[{ u32: "{{stamp}}" }]', 'expected u64 for {{stamp}}, which counts microseconds, got u32'],
  ['[{ u8: "a{{seq}}" }]', 'expected one slot such as {{seq}} for u8, got "a{{seq}}"'],
  ['{ length: varint, of: a }', 'expected u8, u16'],
  ['{ length: u8, ends: ":", of: a }', 'expected length: decimal where there is ends, got "u8"'],
  ['{ length: decimal, of: a }', 'expected the text that ends a decimal length in ends'],
  ['{ length: u8, omit: zero, of: a }', 'expected empty, where an empty text has no length either, got "zero"'],
  ['[{ u8: "0b2" }]', 'expected 0 to 255 (u8), got "0b2"'],
  ['[{ u8: "0x100" }]', 'expected 0 to 255 (u8), got "0x100"'],
  [
    '[{ domain: "a..b" }]',
    'loop[0].send[0]: expected a label of 1 to 63 bytes between the dots of a name, got two dots without one',
  ],
  [`{ domain: "${'a'.repeat(60)}{{random 4}}" }`, 'between the dots of a name, got one of 64'],
  [`{ domain: "${'abcdefg.'.repeat(32)}" }`, 'expected a name of at most 255 bytes, got one of 257'],
  [
    '{ domain: "bücher.example" }',
    'expected a name in ASCII without blanks and braces, others as xn--..., got "bücher.example"',
  ],
  ['{ domain: "{{localAddress}}" }', 'expected slots of a fixed width in a name, got "{{localAddress}}"'],
  ['{ domain: "{{host}}.org" }', 'expected slots of a fixed width in a name, got "{{host}}"'],
  ['{ checksum: md5, of: a }', 'expected sum8, xor8'],
  ['{ checksum: crc32, as: u16, of: a }', 'expected a form that holds crc32, got "u16"'],
  ['[{ hex: "0" }]', 'expected pairs of hexadecimal digits'],
  ['[{ text: a }]', 'unknown key "text"'],
  ['["{{sek}}"]', 'loop[0].send[0]: expected a slot such as'],
])('send: %s is refused at its place', (send, message) => {
  expect(faultsOf(send).join('\n')).toContain(message)
})

test('all faults of a payload are told at once', () => {
  expect(faultsOf('[{ u8: 300 }, { hex: zz }, { length: u8, of: [{ i8: 200 }] }]')).toHaveLength(3)
})

test('a body that a length does not count is refused before the run', () => {
  const { scenario } = scenarioOf('{ length: u8, of: { random: 300B } }')
  const protocol = composeProtocol(resolveProtocol(scenario))
  expect(() => encodeRequests(scenario, protocol, { files: new Map(), rows: [] }, 1)).toThrow(
    'a length of u8 counts 0 to 255 bytes, and this is 300',
  )
})

test.each([
  ['{ unframed: [{ hex: "ff 00" }, "{{seq 2}}"] }', 'raw', 'ff003030'],
  ['{ unframed: "GET\\r\\n" }', 'line', '4745540d0a'],
  [
    '{ unframed: { length: u32, counts: itself, of: [{ u32: 196608 }, "user\\0"] } }',
    '{ frame: [ { type: char }, { length: u32, counts: itself }, body ] }',
    '0000000d00030000' + '7573657200',
  ],
])('%s is sent as it is over %s', (send, protocol, hex) => {
  expect(encoded(send, protocol).hex).toBe(hex)
})

test.each([
  ['send: { unframed: [{ u8: 300 }] }', 'raw', 'loop[0].send.unframed[0]: expected 0 to 255 (u8), got 300'],
  [
    'send: { unframed: a }',
    'rpc',
    'loop[0].send: unframed needs replies in order, and those of this protocol have ids',
  ],
  ['expect: echo', 'raw', 'loop[0].send: missing'],
  ['send: "\\x80"', 'raw', 'expected { hex: "80" } for this byte, got "\\x80", which is two bytes in UTF-8'],
])('a step with %s over %s is refused', (step, protocol, message) => {
  const faults = () => parseScenario(`${head}protocol: ${protocol}\nloop: [{ ${step} }]\n`, 's.yaml', [], {})
  expect(faults).toThrow(message)
})

test.each([
  [
    'connect: [{ think: 1s }]',
    'raw',
    'connect[0]: expected a step with send, or expect for what the server says by itself',
  ],
  ['connect: [{ expect: { begins: a } }]', 'rpc', 'connect[0]: a step without send needs replies in order'],
])('%s over %s is refused', (connect, protocol, message) => {
  const faults = () =>
    parseScenario(`${head}protocol: ${protocol}\n${connect}\nloop: [{ send: a }]\n`, 's.yaml', [], {})
  expect(faults).toThrow(message)
})
