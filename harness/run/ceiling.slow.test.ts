import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { measureCeiling } from './ceiling.ts'
import { inputsOf, line, tcp } from './testing/ceilingInputs.ts'
import { newFolder, removeFolders } from './testing/folders.ts'

afterEach(removeFolders)

/** Measures for as long as a run does. */
const options = { signal: new AbortController().signal }

test.each([
  [
    'a handshake is left out',
    'protocol: line\nconnect: [{ send: hi, expect: { equals: there } }]\nloop: [{ send: a }]',
    tcp,
  ],
  ['an expectation need not hold', 'protocol: tlv\nloop: [{ send: { type: 1 }, expect: { type: 2 } }]', tcp],
  ['ids come back', 'protocol: rpc\nload: { pipeline: 8 }\nloop: [{ send: hello, expect: echo }]', tcp],
  ['requests differ', 'protocol: resp\nmix: [{ send: "GET {{seq}}", weight: 2 }, { send: PING, weight: 1 }]', tcp],
  ['the target listens on a unix socket', line, { scheme: 'unix', path: '/no/such/socket' }],
] as const)('measureCeiling() has a figure when %s', async (_, yaml, address) => {
  const ceiling = await measureCeiling({ ...(await inputsOf(yaml, address)), options })
  expect(ceiling?.nullPerSecond).toBeGreaterThan(0)
  expect(ceiling?.cached).toBe(false)
})

test('measureCeiling() measures again when its cache cannot be read or written', async () => {
  const blocked = join(newFolder(), 'file')
  writeFileSync(blocked, '')
  for (const cacheFolder of [blocked, join(blocked, 'below')]) {
    const ceiling = await measureCeiling({ ...(await inputsOf(line)), options: { ...options, cacheFolder } })
    expect(ceiling).toMatchObject({ cached: false })
  }
})
