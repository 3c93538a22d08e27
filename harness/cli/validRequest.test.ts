import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { parseScenario } from '../scenario/load.ts'
import { overridesOf } from './flags.ts'
import { loadSources } from './sources.ts'
import { cleanUp, scenarioFile, volley } from './testing/volley.ts'
import { loadWithRequest, sendOverride } from './validRequest.ts'

afterEach(cleanUp)

const url = 'tcp://127.0.0.1:8080'
const protocol = (name: string) => ({ path: ['protocol'], value: name, origin: '--protocol' })

/** What the first step sends. */
async function sendOf(source: string, name: string | undefined, send: string | undefined): Promise<unknown> {
  const overrides = [
    ...(name === undefined ? [] : [protocol(name)]),
    ...(send === undefined ? [] : [sendOverride(send)]),
  ]
  const { scenario } = await loadWithRequest(source, { overrides, variables: {} })
  return scenario.loop?.[0]?.send
}

describe('loadWithRequest()', () => {
  test.each<[string | undefined, unknown]>([
    [undefined, 'Hello World!'],
    ['line', 'Hello World!'],
    ['tlv', { type: 1, body: 'Hello World!' }],
    ['rpc', { type: 1, body: 'Hello World!' }],
    ['http', 'GET /'],
    ['resp', 'PING'],
  ])('gives an address with protocol %j a request that fits it', async (name, send) => {
    expect(await sendOf(url, name, undefined)).toEqual(send)
  })

  test('takes a text as the body, and with types as one of type 1', async () => {
    expect(await sendOf(url, 'line', 'hi')).toBe('hi')
    expect(await sendOf(url, 'tlv', 'hi')).toEqual({ type: 1, body: 'hi' })
  })

  test('takes a mapping only if all its keys are keys of send', async () => {
    expect(await sendOf(url, 'tlv', '{"type": 9, "body": "hi"}')).toEqual({ type: 9, body: 'hi' })
    expect(await sendOf(url, 'line', '{"hex": "0a"}')).toEqual({ hex: '0a' })
    // A server of JSON in lines: no line has a type.
    for (const text of ['{"name": "hi"}', '{"type": "login", "body": "a"}', '{ not a mapping', '{a}']) {
      expect(await sendOf(url, 'line', text)).toBe(text)
    }
  })

  test('keeps the steps of a scenario file unless a request is given', async () => {
    const file = scenarioFile(`name: file\ntarget: { address: "${url}" }\nprotocol: line\nloop: [{ send: own }]\n`)
    expect(await sendOf(file, undefined, undefined)).toBe('own')
    expect(await sendOf(file, undefined, 'other')).toBe('other')
  })

  test('reads a request as the protocol of its file has it, also of one without steps', async () => {
    const file = (protocol: string) =>
      scenarioFile(`name: file\ntarget: { address: "${url}" }\nprotocol: ${protocol}\n`)
    for (const tlv of ['tlv', '{ tlv: { maxFrame: 1KiB } }']) {
      expect(await sendOf(file(tlv), undefined, 'hi')).toEqual({ type: 1, body: 'hi' })
      expect(await sendOf(file(tlv), undefined, '{"type": 9, "body": "a"}')).toEqual({ type: 9, body: 'a' })
    }
    expect(await sendOf(file('line'), 'tlv', 'hi')).toEqual({ type: 1, body: 'hi' })
    expect(await sendOf(file('http'), undefined, '{"method": "POST", "path": "/a", "body": "b"}')).toEqual({
      method: 'POST',
      path: '/a',
      body: 'b',
    })
  })
})

describe('--send', () => {
  const sent = ['--protocol', 'tlv', '--send', '{"type": 9, "body": "a"}']

  test.each<[string, readonly string[], unknown]>([
    ['as fields', sent, { type: 9, body: 'a' }],
    ['as a text', ['--protocol', 'tlv', '--send', 'hi'], { type: 1, body: 'hi' }],
    ['by default', ['--protocol', 'tlv'], { type: 1, body: 'Hello World!' }],
  ])('is the same request in run, torture and init: %s', async (_, flags, send) => {
    const io = { stdin: Readable.from([]), stderr: { write() {} } }
    const [, protocol, , request] = flags
    const options = { protocol, ...(request !== undefined && { send: request }) }
    const [byFlag] = await loadSources([url], overridesOf(options, {}), undefined, { ...io, env: {} })
    const variables = { VOLLEY_PROTOCOL: 'tlv', ...(request !== undefined && { VOLLEY_SEND: request }) }
    const [byVariable] = await loadSources([url], overridesOf({}, variables), undefined, { ...io, env: variables })
    const written = await volley('init', url, ...flags)
    const ofInit = parseScenario(written.stdout, 'init.yaml', [], {})
    for (const loaded of [byFlag!, byVariable!, ofInit]) expect(loaded.scenario.loop?.[0]?.send).toEqual(send)
    expect(await sendOf(url, 'tlv', request)).toEqual(send)
  })

  test('is for each of several sources what its protocol makes of it', async () => {
    const io = { stdin: Readable.from([]), stderr: { write() {} }, env: {} }
    const file = scenarioFile(`name: file\ntarget: { address: "${url}" }\nprotocol: rpc\nloop: [{ send: own }]\n`)
    const loaded = await loadSources([url, file], overridesOf({ send: 'hi' }, {}), undefined, io)
    expect(loaded.map(({ scenario }) => scenario.loop?.[0]?.send)).toEqual(['hi', { type: 1, body: 'hi' }])
  })
})
