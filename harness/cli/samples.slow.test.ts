import { afterEach, expect, test } from 'vitest'
import { cleanUp, listen, scenarioFile, spawnRun, spawnVolley } from './testing/volley.ts'

afterEach(cleanUp)

test('a run that gets no reply says after a second what was sent and what to try', async () => {
  const { url } = await listen(() => {})
  const { volley, ended } = spawnRun([url, '-c', '1', '-d', '60s', '--send', 'Hello World!'])
  await volley.says(
    /! 0 bytes came to 12 sent \("Hello World!"\): is protocol raw right\? a server of lines wants --protocol line/,
  )
  volley.process.kill('SIGINT')
  const { report, stdout } = await ended()
  expect(report.silence).toMatch(/^0 bytes came to 12 sent/)
  expect(stdout).toMatch(/^ {2}no reply {3}0 bytes came to 12 sent/m)
})

test('volley talk goes through a scenario', async () => {
  const { url } = await listen(socket => socket.pipe(socket))
  const file = scenarioFile(
    `name: x\ntarget: { address: "${url}" }\nprotocol: line\nloop: [{ send: hello, expect: echo }]\n`,
  )
  const { code, stdout } = await spawnVolley(['talk', file]).ended
  expect(stdout).toContain('< "hello"\n    0000: 68 65 6c 6c 6f 0a\n')
  expect(code).toBe(0)
})
