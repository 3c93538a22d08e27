import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UserError } from '../errors.ts'
import { lockFolder } from './lock.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volley-lock-'))
  file = join(folder, '.volley.lock')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const own = () => JSON.parse(readFileSync(file, 'utf8'))
const leave = (owner: object) => writeFileSync(file, JSON.stringify(owner))

test('lockFolder() keeps a folder until it is released', () => {
  const lock = lockFolder(folder)
  expect(own()).toMatchObject({ pid: process.pid })
  expect(() => lockFolder(folder)).toThrow(`another run writes to ${folder}: process ${process.pid} (${file})`)
  expect(readdirSync(folder)).toEqual(['.volley.lock'])
  lock.release()
  expect(existsSync(file)).toBe(false)
  lockFolder(folder).release()
  expect(readdirSync(folder)).toEqual([])
})

test('lockFolder() leaves no listener behind', () => {
  const before = process.listenerCount('exit')
  lockFolder(folder).release()
  expect(process.listenerCount('exit')).toBe(before)
})

test('lockFolder() takes the place of a process that is dead, also where another one has its id', () => {
  const lock = lockFolder(folder)
  const { host } = own()
  lock.release()
  for (const dead of [
    { pid: 2 ** 22 + 1, start: '1', host },
    { pid: process.pid, start: 'earlier', host },
  ]) {
    leave(dead)
    lockFolder(folder).release()
    expect(readdirSync(folder)).toEqual([])
  }
})

test('lockFolder() believes the lock of another machine as long as it is touched', () => {
  leave({ pid: 1, start: '1', host: 'elsewhere.example' })
  expect(() => lockFolder(folder)).toThrow(`another run writes to ${folder}: process 1 on elsewhere.example`)
  const longAgo = new Date(Date.now() - 120_000)
  utimesSync(file, longAgo, longAgo)
  lockFolder(folder).release()
})

test('lockFolder() leaves a file alone that is no lock', () => {
  writeFileSync(file, 'mine')
  expect(() => lockFolder(folder)).toThrow(UserError)
  expect(() => lockFolder(folder)).toThrow(`${file} is no lock of volley`)
  expect(readFileSync(file, 'utf8')).toBe('mine')
})

test('lockFolder() names a folder that cannot be written to', () => {
  const missing = join(folder, 'missing')
  expect(() => lockFolder(missing)).toThrow(`cannot write reports to ${missing}: there is no such file or folder`)
})

test('release() does nothing where the folder is gone', () => {
  const lock = lockFolder(folder)
  rmSync(folder, { recursive: true })
  lock.release()
})
