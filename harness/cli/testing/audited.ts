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
import { cleanUpWith, listen, type Ran, run, scenarioFile, startRun, temporaryFolder } from './volley.ts'

/** What differs from a short closed loop of four connections against the echo server. */
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

/** A run of the command line program. */
export function real(settings: Settings, ...flags: string[]): Promise<Ran> {
  return run(scenarioFile(scenarioText(settings)), ...flags)
}

/** The same on a machine that is invented. */
export function onMachine(machine: InventedMachine, ...flags: string[]): Promise<Ran> {
  return startRun([scenarioFile(scenarioText({ connections: 2 })), ...flags], inventedMachine(machine)).ended()
}

/** A run that several tests look at, started by the first of them. */
export function shared(start: () => Promise<Ran>): () => Promise<Ran> {
  let started: Promise<Ran> | undefined
  return () => {
    started ??= start()
    return started
  }
}

/** The echo server, in which no request waits for another. */
export function serves(serviceTime: string, more = ''): string {
  return `{ serve: echo, options: { poolSize: unlimited, serviceTime: "${serviceTime}"${more} } }`
}

/** Service times from 10 ms to 66 ms, in steps that last so many milliseconds. */
export function risingEvery(stepMs: number): string {
  const steps = Array.from({ length: 14 }, (_, step) => `fixed:${10 + 4 * step}ms@${stepMs * (step + 1)}ms`)
  return [...steps, 'fixed:66ms'].join(',')
}

async function ownServer(handle: (socket: net.Socket, accepted: number) => void): Promise<string> {
  let accepted = 0
  const { url } = await listen(socket => handle(socket, accepted++))
  return `{ address: "${url}" }`
}

/** A server that answers after so many milliseconds, by the number of the connection. */
export function answersAfter(delayMs: (accepted: number) => number): Promise<string> {
  return ownServer((socket, accepted) => {
    socket.on('data', bytes => setTimeout(() => socket.write(bytes), delayMs(accepted)))
  })
}

/** A server that ends every second connection as soon as it stands, and answers on the others after 20 ms. */
export function endsHalf(): Promise<string> {
  return ownServer((socket, accepted) => {
    if (accepted % 2 === 1) socket.end()
    else socket.on('data', bytes => setTimeout(() => socket.write(bytes), 20))
  })
}

/** A server of whose replies every hundredth is not what was sent. */
export function answersWrong(): Promise<string> {
  let replies = 0
  return ownServer(socket => {
    socket.on('data', bytes => socket.write(++replies % 100 === 0 ? 'pong\n' : bytes))
  })
}

const strayLines = 1000

/** A run whose server another client uses meanwhile. */
export async function intruded(): Promise<Ran> {
  const started = startRun([scenarioFile(scenarioText({ duration: '1500ms' })), '--no-live'])
  const place = / over tcp:\/\/127\.0\.0\.1:(\d+)/
  await started.volley.says(place)
  const socket = net.connect(Number(place.exec(started.volley.stderr)![1]), '127.0.0.1')
  cleanUpWith(() => socket.destroy())
  await once(socket, 'connect')
  socket.write('stray\n'.repeat(strayLines))
  let replies = 0
  // Where the server ends first there are not enough of them.
  for await (const _ of createInterface({ input: socket })) if (++replies === strayLines) break
  expect(replies).toBe(strayLines)
  socket.destroy()
  return started.ended()
}

/** A run whose worker does something of its own first; `strictly` makes its exit code that of --strict. */
async function withWorker(settings: Settings, first: string, strictly: boolean): Promise<Ran> {
  const folder = temporaryFolder()
  const workerFile = join(folder, 'worker.mjs')
  writeFileSync(workerFile, `${first}\nawait import(${moduleName('harness/engine/worker')})`)
  const scenario = parseScenario(scenarioText(settings), 'audited.yaml', [], {})
  const { report, path } = await runScenario(scenario, await prepareScenario(scenario), {
    openFolder: async () => folder,
    workerFile,
  })
  const stdout = renderSummary(report, path!, pc.createColors(false))
  return { code: exitCodeOf(report, strictly), stdout, report }
}

/** A run whose worker has a request in its books that was never sent. */
export function forgetful(): Promise<Ran> {
  return withWorker(
    {},
    `import { workerData } from 'node:worker_threads'
     import { field, openSlab } from ${moduleName('harness/metrics/slab')}
     openSlab(workerData.memory).fields[field.sent]++`,
    false,
  )
}

/**
 * A run by a plan of 3,000 requests a second, whose client takes a millisecond for each of them on any machine. There is
 * a connection with room for every request, so that none waits but for the client.
 */
export function overburdened(arrivals: 'poisson' | 'constant'): Promise<Ran> {
  return withWorker(
    { load: `{ rate: 3000/s, arrivals: ${arrivals}, pipeline: 1000 }` },
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
