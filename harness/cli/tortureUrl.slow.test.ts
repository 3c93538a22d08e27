import { afterEach, expect, test } from 'vitest'
import { cleanUp, Volley, volley } from './testing/volley.ts'

afterEach(cleanUp)

test('volley torture takes a URL, a request as fields, and the process to watch', async () => {
  const server = new Volley(['serve', 'tlv', '--listen', '127.0.0.1:0'])
  await server.says('listening on')
  const url = `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`
  const send = '{"type": 9, "body": "hello"}'
  const only = 'valid,split,glued'
  const args = ['--protocol', 'tlv', '--send', send, '--only', only, '--pid', String(server.process.pid)]
  const { code, stdout, stderr } = await volley('torture', url, ...args)
  expect(`${code} ${stderr}`).toBe('0 ')
  expect(stdout).toMatch(/split +pass +\+[\d.]+ \w+ +12 offsets of 13 bytes/)
  expect(stdout).toContain(`memory of process ${server.process.pid}`)
  expect(stdout).toMatch(/3 pass\n$/)
  expect(stdout.split('\n').filter(line => line.length > 80)).toEqual([])
  server.process.kill('SIGTERM')
  expect((await server.ended).code).toBe(0)
})
