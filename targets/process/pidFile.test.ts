import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { processStart } from '../../harness/processStart.ts'
import { until } from '../testing/client.ts'
import { type DaemonState, isAlive, PidFile, readPidFile } from './pidFile.ts'

let folder: string
let path: string
const notes: string[] = []
const note = (text: string) => void notes.push(text)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volley-pid-'))
  path = join(folder, 'x.pid')
  notes.length = 0
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

function stateOf(pid: number, start = processStart(pid) ?? 'exited'): DaemonState {
  return {
    pid,
    start,
    target: 'tlv',
    address: 'tcp://127.0.0.1:1',
    logFile: 'x.log',
    startedAt: '2026-11-21T09:00:00Z',
    serving: [2],
    finishing: [],
    reloads: 0,
    isReloading: false,
  }
}

const own = () => stateOf(process.pid)

test('PidFile.claim() writes the process id on the first line, and nothing else into the folder', () => {
  const file = PidFile.claim(path, own(), note)
  expect(readFileSync(path, 'utf8').split('\n')[0]).toBe(String(process.pid))
  expect(readPidFile(path)).toEqual(own())
  file.update({ serving: [3], reloads: 1, reloadError: 'no' })
  expect(readPidFile(path)).toEqual({ ...own(), serving: [3], reloads: 1, reloadError: 'no' })
  file.update({ reloads: 2 })
  expect(readPidFile(path)).toEqual({ ...own(), serving: [3], reloads: 2 })
  expect(readdirSync(folder)).toEqual(['x.pid'])
  file.remove()
  expect(readPidFile(path)).toBeUndefined()
  expect(notes).toEqual([])
})

test('PidFile.claim() refuses a file whose process is running', () => {
  PidFile.claim(path, own(), note)
  const before = readFileSync(path, 'utf8')
  expect(() => PidFile.claim(path, own(), note)).toThrow(
    `${path} belongs to the tlv server on tcp://127.0.0.1:1, process ${process.pid}, which is running`,
  )
  expect(readFileSync(path, 'utf8')).toBe(before)
  expect(readdirSync(folder)).toEqual(['x.pid'])
})

test('PidFile.claim() replaces a file of a process that has exited, also when another process has its id', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  for (const left of [stateOf(child.pid!), stateOf(process.pid, 'another time')]) {
    writeFileSync(path, `${left.pid}\n${JSON.stringify(left)}\n`)
    const file = PidFile.claim(path, own(), note)
    expect(notes.pop()).toBe(`${path} was left by process ${left.pid}, which has exited: it is replaced`)
    expect(readPidFile(path)).toEqual(own())
    expect(readdirSync(folder)).toEqual(['x.pid'])
    file.remove()
  }
})

test('PidFile.claim() leaves a file alone that is not a pid file of volley, and readPidFile() refuses it', () => {
  const states = [{ ...own(), pid: 1 }, { ...own(), pid: -5 }, { ...own(), serving: ['x'] }, [], null]
  const texts = ['', 'precious\n', `${process.pid}\n`, `${process.pid}\n{}\n`, `1\n${JSON.stringify(own())}\n`]
  for (const text of [
    ...texts,
    ...states.map(state => `${own().pid}\n${JSON.stringify(state)}\n`),
    'x'.repeat(100_000),
  ]) {
    writeFileSync(path, text)
    expect(() => readPidFile(path)).toThrow(`${path} is not a pid file of volley`)
    expect(() => PidFile.claim(path, own(), note)).toThrow(`${path} is not a pid file of volley`)
    expect(readFileSync(path, 'utf8')).toBe(text)
    expect(readdirSync(folder)).toEqual(['x.pid'])
  }
})

test('PidFile.claim() says when it cannot write', () => {
  expect(() => PidFile.claim(join(folder, 'none', 'x.pid'), own(), note)).toThrow('cannot be written')
})

test('PidFile.remove() leaves the file of another process', () => {
  const file = PidFile.claim(path, own(), note)
  const other = { ...own(), pid: process.ppid }
  writeFileSync(path, `${other.pid}\n${JSON.stringify(other)}\n`)
  file.remove()
  expect(readPidFile(path)).toEqual(other)
})

test('isAlive() distinguishes a process from one that has exited, and from another with its id', async () => {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'])
  try {
    await until('its start', () => processStart(child.pid!) !== undefined)
    const state = stateOf(child.pid!)
    expect(isAlive(state)).toBe(true)
    expect(isAlive({ ...state, start: processStart(process.pid)! })).toBe(false)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isAlive(state)).toBe(false)
  } finally {
    child.kill('SIGKILL')
  }
})
