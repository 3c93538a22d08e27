import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pc from 'picocolors'
import { expect } from 'vitest'
import { builtFile } from '../../built.ts'
import { renderSummary } from '../../report/formats/summary.ts'
import { prepareScenario } from '../../run/prepare.ts'
import { exitCodeOf, runScenario } from '../../run/run.ts'
import { parseScenario } from '../../scenario/load.ts'
import { type InventedMachine, inventedMachine } from './inventedMachine.ts'
import { cleanUpWith, listen, type Ran, run, scenarioFile, spawnRun, startRun, temporaryFolder } from './volley.ts'

/** Changes to a short closed loop of four connections against the echo server. */
interface Settings {
  readonly target?: string
  readonly connections?: number
  readonly load?: string
  readonly duration?: string
  readonly warmup?: string
  readonly send?: string
  readonly more?: string
}

function scenarioText(settings: Settings): string {
  const { target = '{ serve: echo }', connections = 4, load = '{}', duration = '400ms' } = settings
  const { warmup = '0s', send = '{ send: ping }', more = '' } = settings
  return `
name: audited
target: ${target}
protocol: line
connections: ${connections}
load: ${load}
duration: ${duration}
warmup: ${warmup}
timeout: 60s
loop: [${send}]
${more}`
}

/** Leaves the processor to the other tests, for runs whose rate does not matter. */
export const unhurried = { send: '{ send: ping, think: 1ms }' }

/** A run of the command line. */
export function real(settings: Settings, ...flags: string[]): Promise<Ran> {
  return run(scenarioFile(scenarioText(settings)), ...flags)
}

/** The same, in a process that takes its machine for an invented one. */
export function onMachine(machine: InventedMachine, ...flags: string[]): Promise<Ran> {
  return spawnRun([scenarioFile(scenarioText({ connections: 2, ...unhurried })), ...flags], {
    env: inventedMachine(machine),
  }).ended()
}

/** A run that several tests share, started by the first of them. */
export function shared<T extends Ran>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined
  return () => {
    started ??= start()
    return started
  }
}

/** The echo server as a target, without queueing between requests. */
export function serves(serviceTime: string, more = ''): string {
  return `{ serve: echo, options: { poolSize: unlimited, serviceTime: "${serviceTime}"${more} } }`
}

/** Service times from 10 ms to 66 ms, in steps of `stepMs` each. */
export function risingEvery(stepMs: number): string {
  const steps = Array.from({ length: 14 }, (_, step) => `fixed:${10 + 4 * step}ms@${stepMs * (step + 1)}ms`)
  return [...steps, 'fixed:66ms'].join(',')
}

async function ownServer(handle: (socket: net.Socket, accepted: number) => void): Promise<string> {
  let accepted = 0
  const { url } = await listen(socket => handle(socket, accepted++))
  return `{ address: "${url}" }`
}

/** A server that answers after a time that depends on the number of the connection. */
export function answersAfter(delayMs: (accepted: number) => number): Promise<string> {
  return ownServer((socket, accepted) => {
    socket.on('data', bytes => setTimeout(() => socket.write(bytes), delayMs(accepted)))
  })
}

/** A server that closes every second connection as soon as it is open, and answers on the others after 20 ms. */
export function endsHalf(): Promise<string> {
  return ownServer((socket, accepted) => {
    if (accepted % 2 === 1) socket.end()
    else socket.on('data', bytes => setTimeout(() => socket.write(bytes), 20))
  })
}

/** A server that answers every hundredth request with another text. */
export function answersWrong(): Promise<string> {
  let replies = 0
  return ownServer(socket => {
    socket.on('data', bytes => socket.write(++replies % 100 === 0 ? 'pong\n' : bytes))
  })
}

const strayLines = 1000

/** A run during which another client uses the same server. */
export async function intruded(): Promise<Ran> {
  const started = startRun([scenarioFile(scenarioText({ duration: '1500ms', ...unhurried }))])
  const place = / over tcp:\/\/127\.0\.0\.1:(\d+)/
  await started.volley.says(place)
  const socket = net.connect(Number(place.exec(started.volley.stderr)![1]), '127.0.0.1')
  cleanUpWith(() => socket.destroy())
  await once(socket, 'connect')
  socket.write('stray\n'.repeat(strayLines))
  let replies = 0
  // There are fewer if the server ends first.
  for await (const _ of createInterface({ input: socket })) if (++replies === strayLines) break
  expect(replies).toBe(strayLines)
  socket.destroy()
  return started.ended()
}

/** A run whose worker executes the code `first`; `strictly` makes its exit code that of --strict. */
async function withWorker(settings: Settings, first: string, strictly: boolean): Promise<Ran> {
  const folder = temporaryFolder()
  const workerFile = join(folder, 'worker.mjs')
  writeFileSync(workerFile, `${first}\nawait import(${moduleName('harness/engine/worker')})`)
  const scenario = parseScenario(scenarioText(settings), 'audited.yaml', [], {})
  const { report, path } = await runScenario(scenario, await prepareScenario(scenario), {
    openFolder: async () => folder,
    workerFile,
    ceiling: 'never',
  })
  const stdout = renderSummary(report, path!, pc.createColors(false))
  return { code: exitCodeOf(report, strictly), stdout, report }
}

/** A run whose worker counts a request that was never sent. */
export async function forgetful(): Promise<Ran> {
  return withWorker(
    { target: await answersAfter(() => 0) },
    `import { workerData } from 'node:worker_threads'
     import { field, openSlab } from ${moduleName('harness/metrics/slab')}
     openSlab(workerData.memory).fields[field.sent]++`,
    false,
  )
}

/**
 * A run at a rate of 3,000 requests a second, whose client takes a millisecond for each of them on any machine. The
 * connections have room for every request, so that requests wait only for the client.
 */
export async function overburdened(arrivals: 'poisson' | 'constant'): Promise<Ran> {
  return withWorker(
    {
      target: await answersAfter(() => 0),
      load: `{ rate: 3000/s, arrivals: ${arrivals}, pipeline: 1000 }`,
      duration: '1s',
    },
    `import { WorkerCounters } from ${moduleName('harness/engine/client/counters')}
     const { sent } = WorkerCounters.prototype
     WorkerCounters.prototype.sent = function (...amounts) {
       for (const until = performance.now() + 1; performance.now() < until; );
       sent.apply(this, amounts)
     }`,
    true,
  )
}

function moduleName(name: string): string {
  return JSON.stringify(builtFile(name))
}
