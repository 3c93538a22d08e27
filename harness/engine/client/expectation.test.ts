import { describe, expect, test } from 'vitest'
import type { PlannedExpectation } from '../../plan/bank.ts'
import { createProtocol } from '../../protocols/catalog.ts'
import { layeredProtocol } from '../../protocols/layers/layered.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import { bytesOf } from '../../protocols/testing/bytes.ts'
import { compileCheck } from './expectation.ts'

const maxFrame = 200_000
const http = createProtocol({ name: 'http', host: 'a', maxFrame })
const resp = createProtocol({ name: 'resp', maxFrame })
const request = 'POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello'

/** Whether a reply passes, wherever in a buffer it is. */
function passes(
  protocol: Protocol,
  expectation: PlannedExpectation | undefined,
  reply: string,
  sent = request,
): boolean {
  const check = compileCheck(protocol, expectation)
  const bytes = bytesOf('xx', reply, 'xx')
  const end = bytes.length - 2
  const requestBytes = bytesOf('x', sent)
  const found = check === null || check(bytes, 2, end, requestBytes, 1, requestBytes.length)
  expect(protocol.frameEnd(bytes, 2, end, 0)).toBe(end)
  // The same whether or not the head of the reply was read just before.
  expect(check === null || check(bytes, 2, end, requestBytes, 1, requestBytes.length)).toBe(found)
  return found
}

const inChunks = (...chunks: string[]) =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks
    .map(chunk => `${chunk.length.toString(16)};a=b\r\n${chunk}\r\n`)
    .join('')}0\r\nX: hello\r\n\r\n`
const withLength = (body: string, status = '200 OK') =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`

describe('compileCheck() looks at the text of a body in chunks, not at their sizes', () => {
  const good: readonly PlannedExpectation[] = [
    { equals: bytesOf('hello') },
    { contains: bytesOf('ell') },
    { matches: '^hello$' },
    { echo: true },
    { equals: bytesOf('hello'), contains: bytesOf('lo'), fields: { status: [200] } },
  ]
  const bad: readonly PlannedExpectation[] = [
    { equals: bytesOf('hell') },
    { equals: bytesOf('3;a=b\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX: hello\r\n\r\n') },
    { contains: bytesOf('3') },
    { contains: bytesOf('X: ') },
    { matches: '^3' },
    { equals: bytesOf('hello'), contains: bytesOf('x') },
  ]
  const replies = [inChunks('hel', 'lo'), inChunks('h', 'e', 'l', 'l', 'o'), inChunks('hello'), withLength('hello')]
  test.each(good)('%o passes', expectation => {
    for (const reply of replies) expect(passes(http, expectation, reply)).toBe(true)
  })
  test.each(bad)('%o fails', expectation => {
    for (const reply of replies) expect(passes(http, expectation, reply)).toBe(false)
  })

  test('and finds a text that is divided between two chunks, far into the body', () => {
    const filler = 'x'.repeat(70_000)
    expect(passes(http, { contains: bytesOf('needle') }, inChunks(`${filler}need`, `le${filler}`))).toBe(true)
    // A regular expression is tried on the first 64 KiB of the text.
    expect(passes(http, { matches: 'needle' }, inChunks(`${filler}need`, 'le'))).toBe(false)
    expect(passes(http, { matches: 'needle' }, inChunks('x'.repeat(60_000), 'need', 'le'))).toBe(true)
  })
})

test('compileCheck() looks at a body without a length', () => {
  const reply = bytesOf('HTTP/1.0 200 OK\r\n\r\nhello')
  for (const [expectation, isOk] of [
    [{ equals: bytesOf('hello') }, true],
    [{ matches: '^hello$' }, true],
    [{ contains: bytesOf('x') }, false],
  ] as const) {
    expect(compileCheck(http, expectation)!(reply, 0, reply.length, reply, 0, 0)).toBe(isOk)
  }
})

test('compileCheck() fails a refusal of HTTP unless the status is expected, whatever else is', () => {
  const busy = withLength('no items: hello', '503 Busy')
  const bodies: readonly (PlannedExpectation | undefined)[] = [
    undefined,
    { contains: bytesOf('items') },
    { equals: bytesOf('no items: hello') },
    { matches: 'items' },
  ]
  for (const expectation of bodies) {
    expect(passes(http, expectation, busy)).toBe(false)
    expect(passes(http, expectation, withLength('no items: hello', '399 Odd'))).toBe(true)
    expect(passes(http, { ...expectation, fields: { status: [503] } }, busy)).toBe(true)
    expect(passes(http, { ...expectation, fields: { status: [500] } }, busy)).toBe(false)
  }
  expect(passes(http, { echo: true }, withLength('hello', '400 Bad Request'))).toBe(false)
  expect(passes(http, { fields: { status: [200] } }, busy)).toBe(false)
})

test('compileCheck() fails an error of RESP unless an error that begins so is expected', () => {
  const wrongType = '-WRONGTYPE Operation against a key\r\n'
  const bodies: readonly (PlannedExpectation | undefined)[] = [
    undefined,
    { contains: bytesOf('key') },
    { equals: bytesOf('WRONGTYPE Operation against a key') },
    { matches: '^WRONGTYPE' },
  ]
  for (const expectation of bodies) {
    expect(passes(resp, expectation, wrongType)).toBe(false)
    expect(passes(resp, { ...expectation, error: bytesOf('WRONGTYPE') }, wrongType)).toBe(true)
    expect(passes(resp, { ...expectation, error: bytesOf('ERR') }, wrongType)).toBe(false)
  }
  expect(passes(resp, { error: bytesOf('WRONGTYPE'), contains: bytesOf('other') }, wrongType)).toBe(false)
  // A text, a shorter error and an error within an array are none that begins so.
  for (const reply of ['+WRONGTYPE\r\n', '$9\r\nWRONGTYPE\r\n', '-WRONG\r\n', '-\r\n', '*1\r\n-WRONGTYPE\r\n']) {
    expect(passes(resp, { error: bytesOf('WRONGTYPE') }, reply)).toBe(false)
  }
})

test('compileCheck() fails the refusal of a TLV server unless its type is expected, also within layers', () => {
  const plain = createProtocol({ name: 'tlv', maxFrame })
  for (const protocol of [plain, layeredProtocol(plain, { names: ['gzip', 'crc32'] })]) {
    const refusal = protocol.encode({ type: 0xffff_fff4, body: bytesOf('no') })
    const check = (expectation?: PlannedExpectation) =>
      compileCheck(protocol, expectation)!(refusal, 0, refusal.length, refusal, 0, refusal.length)
    expect(check()).toBe(false)
    expect(check({ contains: bytesOf('no') })).toBe(false)
    expect(check({ fields: { type: [0xffff_fff4] }, contains: bytesOf('no') })).toBe(true)
    expect(check({ fields: { type: [0xffff_fff4] }, contains: bytesOf('yes') })).toBe(false)
  }
})

test('compileCheck() compares the version and the extension of an RPC reply, to the last bit, also within layers', () => {
  const plain = createProtocol({ name: 'rpc', lengthPrefix: true, maxFrame })
  const bare = createProtocol({ name: 'rpc', lengthPrefix: false, maxFrame })
  const extensions = [0n, -1n, 1n, 2n ** 32n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n]
  for (const protocol of [plain, bare, layeredProtocol(plain, { names: ['gzip', 'crc32:before'] })]) {
    for (const extension of extensions) {
      const reply = protocol.encode({ version: -2, extension, body: bytesOf('hi') })
      const check = (expectation: PlannedExpectation) =>
        compileCheck(protocol, expectation)!(reply, 0, reply.length, reply, 0, reply.length)
      expect(check({ fields: { version: [-2] } })).toBe(true)
      expect(check({ fields: { version: [2] } })).toBe(false)
      for (const wanted of extensions) expect(check({ extension: wanted })).toBe(wanted === extension)
      expect(check({ fields: { version: [-2] }, extension, equals: bytesOf('hi') })).toBe(true)
      expect(check({ fields: { version: [-2] }, extension, equals: bytesOf('ho') })).toBe(false)
      expect(check({ fields: { version: [-3] }, extension, equals: bytesOf('hi') })).toBe(false)
    }
  }
})

test('compileCheck() is null where every reply passes', () => {
  expect(compileCheck(createProtocol({ name: 'line', delimiter: '\n', maxFrame }), undefined)).toBeNull()
})
