import { spawnSync } from 'node:child_process'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { builtFile } from '../built.ts'
import { bytesOf } from '../protocols/testing/bytes.ts'
import { cleanUp, cleanUpWith, listen, startRun, Volley } from './testing/volley.ts'

const mebibyte = 1024 * 1024
const announced = 48 * mebibyte
const peers = 100
/** Far less than the 4.7 GiB that are announced, far more than a process takes that does not believe it. */
const rssBytesMax = 600 * mebibyte
const waitMs = 15_000
const frame = 'frame: { maxFrame: 64MiB }'
const beginning = bytesOf({ u32: announced }, new Uint8Array(1024))

afterEach(cleanUp)

/** Memory of a process that is in RAM, in bytes; 0 when it is gone. */
function rssBytes(pid: number): number {
  return Number(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).stdout) * 1024
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + waitMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${waitMs} ms for ${what} in vain`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

test('a client does not allocate what replies announce', async () => {
  let asked = 0
  const { url } = await listen(socket => {
    socket.once('data', () => {
      asked++
      socket.write(beginning)
    })
  })
  const flags = [url, '--protocol', `{${frame}}`, '-c', String(peers), '-d', '2s', '--warmup', '0s', '--timeout', '10s']
  const run = startRun([...flags, '--send', 'hello'])
  await until('every connection to ask', () => asked === peers)
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
  const args = ['echo', '--protocol', '{"frame":{"maxFrame":"64MiB"}}', '--listen', '127.0.0.1:0']
  const server = new Volley(args, {}, undefined, undefined, builtFile('targets/main'))
  cleanUpWith(() => server.ended)
  await server.says('listening on ')
  const port = Number(/:(\d+)/.exec(server.stdout)![1])
  const sockets = Array.from({ length: peers }, () => net.connect(port, '127.0.0.1'))
  cleanUpWith(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const socket of sockets) socket.write(beginning)
  await until('all to be written', () => sockets.every(socket => socket.bytesWritten === beginning.length))
  // What is behind them is answered only when they have been read.
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
