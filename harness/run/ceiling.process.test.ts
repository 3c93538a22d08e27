import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { measureCeiling } from './ceiling.ts'
import { inputsOf, line, tcp } from './testing/ceilingInputs.ts'
import { newFolder, removeFolders } from './testing/folders.ts'

afterEach(removeFolders)

test('measureCeiling() has no figure where there is no null server, or it is interrupted', async () => {
  const cacheFolder = newFolder()
  const tls = await inputsOf(line, { scheme: 'tls', host: '192.0.2.1', port: 7 })
  expect(await measureCeiling({ ...tls, options: { ...tls.options, cacheFolder } })).toBeUndefined()
  const crowded = await inputsOf(line, tcp, 3)
  expect(await measureCeiling({ ...crowded, options: { ...crowded.options, cacheFolder } })).toBeUndefined()
  const mixed = await inputsOf('protocol: { raw: { reply: { bytes: 3 } } }\nloop: [{ send: a }, { send: ab }]')
  expect(await measureCeiling({ ...mixed, options: { ...mixed.options, cacheFolder } })).toBeUndefined()
  const plain = await inputsOf(line)
  expect(
    await measureCeiling({ ...plain, options: { ...plain.options, signal: AbortSignal.abort(), cacheFolder } }),
  ).toBeUndefined()
  const later = { signal: AbortSignal.timeout(400), times: { warmupMs: 300, measuredMs: 500 }, cacheFolder }
  expect(await measureCeiling({ ...plain, options: later })).toBeUndefined()
  expect(existsSync(join(cacheFolder, 'ceilings.json'))).toBe(false)
})
