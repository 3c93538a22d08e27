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

const rows = Buffer.from('T\0\0\0\x05xD\0\0\0\x07rowZ\0\0\0\x05I', 'latin1')
const numbered = Buffer.from('\x01\x05hello\0\0\0\x09', 'latin1')

test.each([
  [
    'replies are several lines, and one step has none',
    'protocol: { line: { delimiter: "\\r\\n" }, replies: { until: "### " } }\nload: { pipeline: 4 }\nloop: [{ send: EHLO x }, { send: { unframed: "a\\r\\nb\\r\\n" } }, { send: log, expect: nothing }]',
    [Buffer.from('250-one\r\n250 two\r\n'), Buffer.from('250 Ok\r\n'), undefined],
  ],
  [
    'replies are several frames',
    'protocol: { frame: [ { type: char }, { length: u32, counts: itself }, body ], replies: { until: { type: Z } } }\nloop: [{ send: { type: Q, body: "SELECT {{random 0..9}}" }, expect: { type: T } }]',
    [rows],
  ],
  [
    'requests and replies have their ids in different places',
    'protocol: { frame: { request: [ { length: u16 }, { id: u16 }, body ], reply: [ { status: u8 }, { length: u8, counts: body }, body, { id: u32 } ] } }\nload: { pipeline: 8 }\nloop: [{ send: "{{seq}}", expect: { status: 1, equals: hello } }]',
    [numbered],
  ],
  [
    'one reply ends unlike the others',
    'protocol: line\nloop: [{ send: a }, { send: b, reply: { bytes: 3 } }]',
    [Buffer.from('A\n'), Buffer.from('xyz')],
  ],
])('measureCeiling() has a figure with real replies when %s', async (_, yaml, replies) => {
  const firstReplies = replies.map(reply => reply && new Uint8Array(reply))
  const ceiling = await measureCeiling({ ...(await inputsOf(yaml)), firstReplies, options })
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
