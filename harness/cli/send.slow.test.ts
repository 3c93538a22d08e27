import { afterEach, expect, test } from 'vitest'
import { countsOf, startPython } from './testing/python.ts'
import { cleanUp, Invocation, run, scenarioFile, volley } from './testing/volley.ts'

afterEach(cleanUp)

const hex = (text: string) => Buffer.from(text).toString('hex')

test('a server in Python sees of run what init writes and talk sends', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'tlv_kinds.py')
  const tlv = [address, '--protocol', 'tlv']
  const fields = ['--send', '{"type": 9, "body": "a"}']
  for (const [flags, requests] of [
    [fields, '11'],
    [['--send', 'hello'], '12'],
    [[], '13'],
  ] as const) {
    const { report } = await run(...tlv, ...flags, '-n', requests, '-c', '1')
    expect(report.totals).toMatchObject({ sent: Number(requests), failures: {} })
  }
  const { stdout } = await volley('init', ...tlv, ...fields, '-n', '14', '-c', '1')
  expect((await run(scenarioFile(stdout))).report.totals).toMatchObject({ sent: 14, failures: {} })
  const { code } = await new Invocation(['talk', ...tlv], { stdin: 'hello\nhello\n' }).ended
  expect(code).toBe(0)
  expect(await countsOf(server)).toEqual({
    [`9 ${hex('a')}`]: 11 + 14,
    [`1 ${hex('hello')}`]: 12 + 2,
    [`1 ${hex('Hello World!')}`]: 13,
  })
})

test('a pass over the steps is judged as talk judges it, and the server counts one request a step', async ({
  skip,
}) => {
  const { server, address } = await startPython(skip, 'tlv_kinds.py')
  const scenario = (expected: string) =>
    scenarioFile(
      `name: x\ntarget: { address: "${address}" }\nprotocol: tlv\nconnections: 20\nduration: 9s\nloop:\n` +
        `  - { send: { type: 1, body: one }, expect: echo }\n  - { send: { type: 2, body: two }, expect: { equals: ${expected} } }\n`,
    )
  for (const [expected, code] of [
    ['two', 0],
    ['three', 1],
  ] as const) {
    const file = scenario(expected)
    expect((await run(file, '--once', '--strict')).code).toBe(code)
    expect((await volley('talk', file)).code).toBe(code)
  }
  expect(await countsOf(server)).toEqual({ [`1 ${hex('one')}`]: 4, [`2 ${hex('two')}`]: 4 })
})

test('nothing that a server in Python sends acts on the terminal of volley talk', async ({ skip }) => {
  const { address } = await startPython(skip, 'tlv_kinds.py')
  const { stdout } = await new Invocation(['talk', address, '--protocol', 'tlv'], { stdin: 'escape\n' }).ended
  expect(stdout).toBe('type 1  "you see \\x1b[2J\\rnothing\\x9b31m\\u{202e} of what was written here"\n')
})
