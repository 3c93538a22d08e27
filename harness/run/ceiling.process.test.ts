import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type CeilingInputs, measureCeiling } from './ceiling.ts'
import { inputsOf, line, tcp } from './testing/ceilingInputs.ts'
import { newFolder, removeFolders } from './testing/folders.ts'

afterEach(removeFolders)

test('measureCeiling() says why there is no figure where there is no null server, or it is interrupted', async () => {
  const cacheFolder = newFolder()
  const measure = async (inputs: Promise<CeilingInputs>) => {
    const given = await inputs
    return measureCeiling({ ...given, options: { ...given.options, cacheFolder } })
  }
  expect(await measure(inputsOf(line, { scheme: 'tls', host: '192.0.2.1', port: 7 }))).toEqual({
    none: 'there is no null server for tls://',
  })
  expect(await measure(inputsOf(line, tcp, 3))).toEqual({
    none: 'a null server needs as many cores as 3 workers, and there are 4 in all',
  })
  expect(
    await measure(inputsOf('protocol: { raw: { reply: { bytes: 3 } } }\nloop: [{ send: a }, { send: ab }]')),
  ).toEqual({ none: 'a null server cannot tell requests of different lengths apart' })
  expect(await measure(inputsOf('protocol: broadcast\nloop: [{ send: a }]'))).toEqual({
    none: 'a null server does not send what a client of broadcast reads most',
  })
  expect(await measure(inputsOf('protocol: line\nloop: [{ send: a, think: 3s }]'))).toEqual({
    none: 'its pauses are too long to be measured in a second',
  })
  const plain = await inputsOf(line)
  const interrupted = { none: 'its measurement was interrupted' }
  expect(
    await measureCeiling({ ...plain, options: { ...plain.options, signal: AbortSignal.abort(), cacheFolder } }),
  ).toEqual(interrupted)
  const later = { signal: AbortSignal.timeout(400), times: { warmupMs: 300, measuredMs: 500 }, cacheFolder }
  expect(await measureCeiling({ ...plain, options: later })).toEqual(interrupted)
  expect(existsSync(join(cacheFolder, 'ceilings.json'))).toBe(false)
})
