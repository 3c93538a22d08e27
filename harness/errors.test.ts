import { expect, test } from 'vitest'
import { unexpectedText } from './errors.ts'

const systemError = (fields: object) => Object.assign(new Error('raw text'), { errno: -1, ...fields })

test.each([
  ['a folder that is gone', { code: 'ENOENT', syscall: 'uv_cwd' }, 'the current folder does not exist any more'],
  [
    'no more descriptors',
    { code: 'EMFILE', syscall: 'open', path: '/a' },
    'this process may open no more files ("ulimit -n" raises that) (open /a)',
  ],
  [
    'what has no path',
    { code: 'EAGAIN', syscall: 'spawn' },
    'this machine has no more processes or memory to give (spawn)',
  ],
  ['what is not known', { code: 'EODD', syscall: 'open' }, 'raw text (open)'],
])('unexpectedText() is one line for %s', (_what, fields, text) => {
  expect(unexpectedText(systemError(fields))).toBe(`volley: ${text}\n`)
})

test('unexpectedText() says what is a bug of volley, and how to see where', () => {
  const bug = new TypeError('x is not a function')
  expect(unexpectedText(bug)).toBe(
    'volley: x is not a function; this is a bug of volley: VOLLEY_DEBUG=1 shows where it happened\n',
  )
  expect(unexpectedText(bug, { stack: true })).toBe(
    `volley: x is not a function; this is a bug of volley\n${bug.stack}\n`,
  )
  expect(unexpectedText('a text')).toContain('volley: a text; ')
})
