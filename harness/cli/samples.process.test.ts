import { afterEach, expect, test } from 'vitest'
import { cleanUp, listen, startRun } from './testing/volley.ts'

afterEach(cleanUp)

test('what came back is on both streams and in the report, and a terminal gets no control character of it', async () => {
  const { url } = await listen(socket => {
    socket.on('data', () => socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\n\x1b[31mbusy'))
  })
  const started = startRun([url.replace('tcp:', 'http:'), '-c', '2', '-n', '50', '--no-color'])
  const { report, stdout } = await started.ended()
  expect(report.statusCodes).toEqual({ 503: 50 })
  expect(report.samples).toMatchObject([{ kind: 'unexpected', status: 503, count: 50 }])
  expect(stdout).toMatch(/^ {2}status {5}503 50$/m)
  expect(stdout).toContain('unexpected 50: HTTP 503, e.g. ')
  expect(started.volley.stderr).toContain('! unexpected: HTTP 503, e.g. ')
  expect(stdout + started.volley.stderr).not.toContain('\x1b')
})
