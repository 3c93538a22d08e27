import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { measureCeiling } from './ceiling.ts'
import { inputsOf, line, newFolder, tcp } from './testing/ceilingInputs.ts'

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
] as const)('measureCeiling() has a figure when %s', async (_, yaml, address) => {
  const ceiling = await measureCeiling({ ...(await inputsOf(yaml, address)), options })
  expect(ceiling?.nullPerSecond).toBeGreaterThan(0)
  expect(ceiling?.cached).toBe(false)
})

test('measureCeiling() measures again when its cache folder is a file', async () => {
  const cacheFolder = join(newFolder(), 'file')
  writeFileSync(cacheFolder, '')
  const ceiling = await measureCeiling({ ...(await inputsOf(line)), options: { ...options, cacheFolder } })
  expect(ceiling).toMatchObject({ cached: false })
})
