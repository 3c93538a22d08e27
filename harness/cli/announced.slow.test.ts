import { spawnSync } from 'node:child_process'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { bytesOf } from '../protocols/testing/bytes.ts'
import { until } from './testing/programs.ts'
import { cleanUp, cleanUpWith, listen, spawnRun, startServer } from './testing/volley.ts'

const mebibyte = 1024 * 1024
const announced = 48 * mebibyte
const peers = 100
/** Far less than the 4.7 GiB that are announced, far more than a process takes that allocates only what arrives. */
const rssBytesMax = 600 * mebibyte
const frame = 'frame: { maxFrame: 64MiB }'
const beginning = bytesOf({ u32: announced }, new Uint8Array(1024))

afterEach(cleanUp)

/** Memory of a process that is in RAM, in bytes; 0 when it has exited. */
function rssBytes(pid: number): number {
  return Number(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).stdout) * 1024
}

test('a client does not allocate what replies announce', async () => {
  let asked = 0
  const { url } = await listen(socket => {
    socket.once('data', () => {
      asked++
      socket.write(beginning)
    })
  })
  const flags = [
    url,
    '--protocol',
    `{${frame}}`,
    '-c',
    String(peers),
    '-d',
    '500ms',
    '--warmup',
    '0s',
    '--timeout',
    '10s',
  ]
  const run = spawnRun([...flags, '--send', 'hello'])
  await until('a request on every connection', () => asked === peers)
  const { process } = run.volley
  let most = 0
  await until('the end', () => {
    if (process.exitCode === null) most = Math.max(most, rssBytes(process.pid!))
    return process.exitCode !== null
  })
  const { report } = await run.ended()
  expect(report.totals).toMatchObject({ sent: peers, completed: 0, inFlightAtEnd: peers, failures: {} })
  expect(report.totals.bytesReceived).toBe(peers * beginning.length)
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThan(rssBytesMax)
})

test('a server does not allocate what requests announce', async () => {
  const server = await startServer(['echo', '--protocol', '{"frame":{"maxFrame":"64MiB"}}'])
  const port = Number(new URL(server.url).port)
  const sockets = Array.from({ length: peers }, () => net.connect(port, '127.0.0.1'))
  cleanUpWith(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const socket of sockets) socket.write(beginning)
  await until('all to be written', () => sockets.every(socket => socket.bytesWritten === beginning.length))
  // Another connection is answered only after all of them have been read.
  const other = net.connect(port, '127.0.0.1')
  cleanUpWith(() => other.destroy())
  let answered = 0
  other.on('data', bytes => {
    answered += bytes.length
  })
  other.write(bytesOf({ u32: 5 }, 'hello'))
  await until('an answer', () => answered === 9)
  expect(rssBytes(server.process.pid!)).toBeLessThan(rssBytesMax)
})
