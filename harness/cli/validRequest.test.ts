import { afterEach, describe, expect, test } from 'vitest'
import { cleanUp, scenarioFile } from './testing/volley.ts'
import { loadWithRequest } from './validRequest.ts'

afterEach(cleanUp)

const url = 'tcp://127.0.0.1:8080'
const protocol = (name: string) => ({ path: ['protocol'], value: name, origin: '--protocol' })

/** What the first step sends. */
async function sendOf(source: string, name: string | undefined, send: string | undefined): Promise<unknown> {
  const { scenario } = await loadWithRequest(source, name === undefined ? [] : [protocol(name)], send, {})
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
    for (const text of ['{"name": "hi"}', '{ not a mapping', '{a}']) {
      expect(await sendOf(url, 'line', text)).toBe(text)
    }
  })

  test('keeps the steps of a scenario file unless a request is given', async () => {
    const file = scenarioFile(`name: file\ntarget: { address: "${url}" }\nprotocol: line\nloop: [{ send: own }]\n`)
    expect(await sendOf(file, undefined, undefined)).toBe('own')
    expect(await sendOf(file, undefined, 'other')).toBe('other')
  })
})
