import { afterEach, expect, test } from 'vitest'
import { optionEntries } from '../serverOptions.ts'
import { cleanUp, Invocation, listen, scenarioFile, startRun } from './testing/volley.ts'
import { knownVariables, serverVariableFaults, variableFaults } from './variables.ts'

afterEach(cleanUp)

const advice = 'volley reads VOLLEY_CONNECTIONS, VOLLEY_DURATION, '

test.each([
  ['VOLLEY_CONECTIONS', 'unknown variable; did you mean "VOLLEY_CONNECTIONS"?'],
  ['VOLLEY_connections', 'unknown variable; did you mean "VOLLEY_CONNECTIONS"?'],
  ['volley_duration', 'unknown variable; did you mean "VOLLEY_DURATION"?'],
  ['VOLLEY_SERVE_KYE', 'unknown variable; did you mean "VOLLEY_SERVE_KEY"?'],
  ['VOLLEY_SERVER_KEY', 'unknown variable; did you mean "VOLLEY_SERVE_KEY"?'],
  ['VOLLEY_FOO', `unknown variable; unset it, or use it in the scenario as \${VOLLEY_FOO}; ${advice}`],
])('variableFaults() finds %s', (name, message) => {
  const [fault, ...others] = variableFaults({ [name]: 'secret' })
  expect(others).toEqual([])
  expect(fault!.place).toBe(name)
  expect(fault!.message.slice(0, message.length)).toBe(message)
  expect(JSON.stringify(fault)).not.toContain('secret')
})

test('variableFaults() finds every one, and none that is known, empty or used', () => {
  const names = (environment: Record<string, string>, ...texts: string[]) =>
    variableFaults(environment, texts).map(({ place }) => place)
  expect(names(Object.fromEntries(knownVariables.map(name => [name, '1'])))).toEqual([])
  expect(names({ VOLLEY_RAET: '1', VOLLEY_B: '', PATH: '1', VOLLEYS: '1', VOLLEY_TOKEN: '1' })).toEqual([
    'VOLLEY_RAET',
    'VOLLEY_TOKEN',
  ])
  expect(names({ VOLLEY_TOKEN: '1', VOLLEY_TOKE: '1' }, 'a', 'key: ${VOLLEY_TOKEN}')).toEqual(['VOLLEY_TOKE'])
})

test('knownVariables has those of every server option', () => {
  const own = optionEntries.flatMap(([, { variable }]) => variable ?? [])
  expect(own.length).toBeGreaterThan(2)
  expect(knownVariables).toEqual(expect.arrayContaining(own))
})

test('serverVariableFaults() finds those of servers only', () => {
  const faults = serverVariableFaults({ VOLLEY_SERVE_SECRT: '1', VOLLEY_TOKEN: '1', VOLLEY_SERVE_KEY: '1' })
  expect(faults).toEqual([
    { place: 'VOLLEY_SERVE_SECRT', message: 'unknown variable; did you mean "VOLLEY_SERVE_SECRET"?' },
  ])
})

test('volley run refuses a misspelt variable together with the faults of the file', async () => {
  const env = { VOLLEY_CONECTIONS: '3' }
  const { code, stderr } = await new Invocation(['run', scenarioFile('name: x\nprotocol: raw\n')], { env }).ended
  expect(code).toBe(2)
  expect(stderr).toMatch(/test\.yaml:1:1 +target: missing/)
  expect(stderr).toMatch(/VOLLEY_CONECTIONS +unknown variable; did you mean "VOLLEY_CONNECTIONS"\?/)
})

test('volley run takes a variable that the scenario uses', async () => {
  const { url } = await listen(socket => socket.pipe(socket))
  const text = `name: x\ntarget: { address: "${url}" }\nprotocol: line\nloop: [{ send: "\${VOLLEY_GREETING}" }]\n`
  const { code } = await startRun([scenarioFile(text), '-n', '5'], { env: { VOLLEY_GREETING: 'hi' } }).ended()
  expect(code).toBe(0)
})

test.each([
  ['torture', 'tcp://127.0.0.1:1'],
  ['serve', 'echo'],
])('volley %s refuses a misspelt variable', async (...args) => {
  const { code, stderr } = await new Invocation(args, { env: { VOLLEY_SERVE_KYE: 'secret' } }).ended
  expect(code).toBe(2)
  expect(stderr).toMatch(/VOLLEY_SERVE_KYE +unknown variable; did you mean "VOLLEY_SERVE_KEY"\?/)
  expect(stderr).not.toContain('secret')
})
