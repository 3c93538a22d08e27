import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import { named, tortured } from '../torture/testing/tortured.ts'
import { cleanUp, listen, scenarioFile, Volley, volley } from './testing/volley.ts'
import { loadWithRequest, sendOverride } from './validRequest.ts'

afterEach(cleanUp)

test('volley torture takes --send in place of a request with a captured value', async () => {
  const loaded = await loadWithRequest('scenarios/rpc-handshake.yaml', {
    overrides: [sendOverride('{type: 1, body: hi}')],
    variables: {},
  })
  expect(named(await tortured(loaded, { only: 'valid,split' }), 'pass')).toEqual(['valid', 'split'])
})

test('volley torture prints what is wrong with its flags on stderr, and exits with 2', async () => {
  const { code, stdout, stderr } = await volley('torture', 'tcp://127.0.0.1:1', '--only', 'valid,splat')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('--only  unknown trial "splat"; there are valid, split')
})

test('volley torture prints nothing but the error if the valid request gets no answer, and exits with 2', async () => {
  const { url } = await listen(socket => socket.resume())
  const { code, stdout, stderr } = await volley('torture', url, '--protocol', 'tlv', '--timeout', '200ms')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(`${url} does not answer the valid request: no reply within 200ms`)
  expect(stderr).toContain('is the protocol right?')
})

test('Ctrl-C ends volley torture, its connections and the server it started', async () => {
  const broken = join(packageRoot, 'harness/torture/testing/broken.mjs')
  const file = scenarioFile(
    `name: broken\ntarget: { address: "tcp://127.0.0.1:1" }\nenvironments: { here: { command: "exec ${process.execPath} ${broken} blocks {port}" } }\nprotocol: frame\nloop: [{ send: hello world }]\n`,
  )
  const started = new Volley(['torture', file, '--env', 'here', '--timeout', '20s', '--only', 'valid,half-a-frame'])
  await started.says('one reply of')
  const [, pid] = /memory of process (\d+)/.exec(started.stdout)!
  started.process.kill('SIGINT')
  const { code, stdout } = await started.ended
  expect(code).toBe(130)
  expect(stdout).toMatch(/1 pass, interrupted\n$/)
  expect(existsSync(`/proc/${pid}`)).toBe(false)
})
