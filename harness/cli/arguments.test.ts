import { expect, test } from 'vitest'
import { checkArguments } from './arguments.ts'

const line = (...args: string[]) => Buffer.from(`${['node', 'main.js', ...args].join('\0')}\0`, 'latin1')

test('checkArguments() refuses bytes that are no UTF-8', () => {
  expect(() => checkArguments(['run', 'caf\ufffd', 'b'], () => line('run', 'caf\xe9', 'b'))).toThrow(
    'caf\ufffd expected UTF-8 text, got byte 0xe9; a scenario takes other bytes as { hex: ... }',
  )
})

test('checkArguments() takes the character that stands for such bytes elsewhere', () => {
  checkArguments(['run', 'caf\ufffd'], () => line('run', 'caf\xef\xbf\xbd'))
  checkArguments(['run', 'caf\ufffd'], () => new Uint8Array(0))
  checkArguments(['run', 'caf\u00e9'], () => {
    throw new Error('not read')
  })
})
