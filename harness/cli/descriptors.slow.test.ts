import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { builtFile } from '../built.ts'

/** The program in a shell with so many file descriptors. */
function volleyWith(descriptors: number, ...args: string[]) {
  const command = 'ulimit -n "$1" && shift && exec "$@"'
  const line = [String(descriptors), process.execPath, builtFile('harness/cli/main'), ...args]
  return spawnSync('bash', ['-c', command, 'bash', ...line], { encoding: 'utf8' })
}

test.each([
  [64, 256, 'volley with 100 connections needs 256 file descriptors, and this process may have 64 open'],
  [32, 256, 'volley with 100 connections needs 256 file descriptors, and this process may have 32 open'],
  [300, 464, '400 connections need more file descriptors than this process may have open (300)'],
])('volley run with %d file descriptors says what is missing and how to get it', (descriptors, needed, message) => {
  const connections = descriptors < 256 ? 100 : 400
  const { status, stdout, stderr } = volleyWith(descriptors, 'run', 'tcp://127.0.0.1:1', '-c', String(connections))
  expect(status).toBe(2)
  expect(stdout).toBe('')
  expect(stderr.split('\n')[0]).toBe(message)
  expect(stderr).toContain(`raise the limit: "ulimit -n ${needed}"`)
  // A message and a hint, and no stack.
  expect(stderr.trimEnd().split('\n')).toHaveLength(2)
})

test('volley can be loaded with as many descriptors as it asks for', () => {
  expect(volleyWith(256, '--version')).toMatchObject({ status: 0, stderr: '' })
})
