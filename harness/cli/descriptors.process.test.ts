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
  [64, 'volley with 100 connections needs 164 file descriptors, and this process may have 64 open'],
  [32, 'volley with 100 connections needs 164 file descriptors, and this process may have 32 open'],
  [150, '100 connections need more file descriptors than this process may have open (150)'],
])('volley run with %d file descriptors says what is missing and how to get it', (descriptors, message) => {
  const { status, stdout, stderr } = volleyWith(descriptors, 'run', 'tcp://127.0.0.1:1', '-c', '100')
  expect(status).toBe(2)
  expect(stdout).toBe('')
  expect(stderr.split('\n')[0]).toBe(message)
  expect(stderr).toContain('raise the limit: "ulimit -n 164"')
  // A message and a hint, and no stack.
  expect(stderr.trimEnd().split('\n')).toHaveLength(2)
})

test('volley can be loaded with the least number of descriptors that it asks for', () => {
  expect(volleyWith(128, '--version')).toMatchObject({ status: 0, stderr: '' })
})
