import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LogFile } from './logFile.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volley-log-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('LogFile appends, and continues in a new file after the old one was moved away', () => {
  const path = join(folder, 'x.log')
  writeFileSync(path, 'before\n')
  const log = new LogFile(path)
  log.print('one')
  renameSync(path, `${path}.1`)
  log.print('two')
  log.reopen()
  log.print('three')
  log.close()
  log.print('nowhere')
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('before\none\ntwo\n')
  expect(readFileSync(path, 'utf8')).toBe('three\n')
})

test('LogFile continues in its open file when it cannot open a new one', () => {
  const path = join(folder, 'below', 'x.log')
  expect(() => new LogFile(path)).toThrow(`the log file ${path} cannot be written`)
  const log = new LogFile(join(folder, 'y.log'))
  renameSync(folder, `${folder}-moved`)
  log.reopen()
  log.print('still here')
  log.close()
  const text = readFileSync(join(`${folder}-moved`, 'y.log'), 'utf8')
  expect(text).toContain('the log file cannot be opened again')
  expect(text.endsWith('still here\n')).toBe(true)
  rmSync(`${folder}-moved`, { recursive: true })
})
