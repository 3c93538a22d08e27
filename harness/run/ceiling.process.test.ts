import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { measureCeiling } from './ceiling.ts'
import { inputsOf, line, tcp } from './testing/ceilingInputs.ts'
import { newFolder, removeFolders } from './testing/folders.ts'

afterEach(removeFolders)

test('measureCeiling() caches what it has measured, and does not measure it again', async () => {
  const cacheFolder = newFolder()
  const inputs = await inputsOf(line, tcp, 2)
  const options = { ...inputs.options, cacheFolder }
  const first = await measureCeiling({ ...inputs, options })
  expect(first).toMatchObject({ cached: false })
  expect(first!.nullPerSecond).toBeGreaterThan(0)
  expect(await measureCeiling({ ...inputs, options })).toEqual({ ...first, cached: true })
  // The run's own rate is above the cached figure.
  const shownPerSecond = first!.nullPerSecond + 1
  expect(await measureCeiling({ ...inputs, shownPerSecond, options })).toMatchObject({ cached: false })
  // Another plan has its own figure.
  const file = join(cacheFolder, 'ceilings.json')
  const kept = () => Object.keys(JSON.parse(readFileSync(file, 'utf8')).ceilings)
  expect(kept()).toHaveLength(1)
  const other = await inputsOf(`${line}\nload: { pipeline: 2 }`)
  expect(await measureCeiling({ ...other, options })).toMatchObject({ cached: false })
  expect(kept()).toHaveLength(2)
})

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
