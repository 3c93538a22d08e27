import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { measureCeiling } from './ceiling.ts'
import { inputsOf, line, tcp } from './testing/ceilingInputs.ts'
import { newFolder, removeFolders } from './testing/folders.ts'

afterEach(removeFolders)

function perSecondOf(ceiling: Awaited<ReturnType<typeof measureCeiling>>): number {
  return 'none' in ceiling ? Number.NaN : ceiling.nullPerSecond
}

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
  ['there are heartbeats', `${line}\nheartbeat: { every: 1s, send: beat }`, tcp],
  [
    'others only listen',
    'protocol: line\nclients: [{ connections: 5, connect: [{ send: hi }] }, { connections: 2, connect: [{ send: hi }], loop: [{ send: a }] }, { connections: 3, mix: [{ send: b }] }]',
    tcp,
  ],
  ['there are short pauses', 'protocol: line\nloop: [{ send: a, think: 5ms }]', tcp],
  ['the target listens on a unix socket', line, { scheme: 'unix', path: '/no/such/socket' }],
] as const)('measureCeiling() has a figure when %s', async (_, yaml, address) => {
  const ceiling = await measureCeiling({ ...(await inputsOf(yaml, address)), options })
  expect(ceiling).toEqual({ nullPerSecond: expect.any(Number), cached: false })
  expect(perSecondOf(ceiling)).toBeGreaterThan(0)
})

test('measureCeiling() measures again when its cache cannot be read or written', async () => {
  const blocked = join(newFolder(), 'file')
  writeFileSync(blocked, '')
  for (const cacheFolder of [blocked, join(blocked, 'below')]) {
    const ceiling = await measureCeiling({ ...(await inputsOf(line)), options: { ...options, cacheFolder } })
    expect(ceiling).toMatchObject({ cached: false })
  }
})

test('measureCeiling() caches what it has measured, and does not measure it again', async () => {
  const cacheFolder = newFolder()
  const inputs = await inputsOf(line, tcp, 2)
  const options = { ...inputs.options, cacheFolder }
  let first = await measureCeiling({ ...inputs, options })
  // Beside other work the connections of so short a measurement may not be open in time, which is an answer too.
  for (let tried = 1; 'none' in first && tried < 5; tried++) first = await measureCeiling({ ...inputs, options })
  expect(first).toMatchObject({ cached: false })
  expect(perSecondOf(first)).toBeGreaterThan(0)
  expect(await measureCeiling({ ...inputs, options })).toEqual({ ...first, cached: true })
  // The run's own rate is above the cached figure.
  const shownPerSecond = perSecondOf(first) + 1
  expect(await measureCeiling({ ...inputs, shownPerSecond, options })).toMatchObject({ cached: false })
  // Another plan has its own figure.
  const file = join(cacheFolder, 'ceilings.json')
  const kept = () => Object.keys(JSON.parse(readFileSync(file, 'utf8')).ceilings)
  expect(kept()).toHaveLength(1)
  const other = await inputsOf(`${line}\nload: { pipeline: 2 }`)
  expect(await measureCeiling({ ...other, options })).toMatchObject({ cached: false })
  expect(kept()).toHaveLength(2)
})
