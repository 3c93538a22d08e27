import { epochOffsetMs, sharedOffsetMs } from '../clock.ts'
import { Client } from '../engine/client/client.ts'
import { type Tap, TappedTransport } from '../engine/tapped.ts'
import { Collector } from '../metrics/collector.ts'
import type { Replies } from '../metrics/replies.ts'
import { describeSample, sampleLabels } from '../metrics/sampleText.ts'
import { control, createSlab, field, instant, type Slab, state } from '../metrics/slab.ts'
import { planRun } from '../plan/plan.ts'
import { composeProtocol } from '../protocols/composed.ts'
import { describePass, requestsOfPass } from '../report/pass.ts'
import { type ShownWith, shownSamples, stepReplies } from '../report/replies.ts'
import type { LoadedScenario } from '../scenario/loaded.ts'
import { Secrets } from '../shownBytes.ts'
import { openTarget } from '../target/target.ts'
import { chooseTransport, createTransport } from '../transports/catalog.ts'
import { onePass } from './onePass.ts'
import { prepareScenario } from './prepare.ts'

/** How long a connection is watched for a greeting before the first message is sent. */
const listenMs = 100
const signalMs = 20

/** The outcome of a walk through a scenario. */
export interface Walked {
  /** What came for each step, what else came, and how many steps were answered as expected; safe to print. */
  readonly lines: readonly string[]
  /** Every message of the handshake and every step was answered as expected. */
  readonly isAsExpected: boolean
}

export interface WalkOptions {
  /** Makes what watches the connection, or those of groups with these names. */
  readonly tap: (secrets: Secrets, names: readonly string[]) => Tap
  readonly signal: AbortSignal
}

/** Goes once through the handshake and the steps of a scenario on one connection, or one of each group, on this thread. */
export async function walkThrough(given: LoadedScenario, { tap, signal }: WalkOptions): Promise<Walked> {
  const loaded = onePass(given)
  const { scenario, redacted } = loaded
  const prepared = await prepareScenario(loaded)
  const { bank, seed, materials } = prepared
  const secrets = new Secrets(loaded.secrets.values, loaded.secrets.keys)
  const protocol = composeProtocol(prepared.protocol)
  const timeoutMs = scenario.timeout
  const options = { protocol: prepared.protocol, tls: materials.tls, shown: redacted.target, seed, signal, timeoutMs }
  const target = await openTarget(scenario.target, options)
  try {
    const transport = chooseTransport('node', target.address).name
    const inputs = { address: target.address, protocol: prepared.protocol, bank, transport, seed, workers: 1 }
    const plan = planRun(scenario, inputs)
    const worker = plan.workers[0]!
    const slab = createSlab(bank.steps.filter(({ role }) => role === 'request').length, worker.speakingLinks)
    const names = worker.groups.flatMap(({ name }) => (name === undefined ? [] : [name]))
    const tapped = new TappedTransport(
      createTransport(transport, { ...worker, links: worker.connections }),
      protocol,
      tap(secrets, names),
    )
    const offsets = { sharedOffsetMs: sharedOffsetMs(), epochOffsetMs: epochOffsetMs() }
    const client = new Client(worker, {
      memory: slab.memory,
      transport: tapped,
      protocol,
      heapKiB: () => 0,
      ...offsets,
    })
    tapped.formatOfNext = link => client.frames.formatOfNext(link)
    const start = () => {
      slab.instants[instant.start] = tapped.now() + offsets.sharedOffsetMs + listenMs
      Atomics.store(slab.fields, field.control, control.start)
    }
    const leave = follow(slab, signal, { start, waits: worker.connections > 1 })
    await tapped.run(client).finally(leave)
    const collector = new Collector({
      slabs: [slab],
      connections: worker.connections,
      warmupMs: 0,
      isWarmupAutomatic: false,
      clientCpuSeconds: () => 0,
      serverCpuSeconds: () => undefined,
      rssBytes: () => 0,
    })
    collector.read(tapped.now())
    const stepNames = bank.steps.map(({ name }) => name)
    const { explain } = protocol
    const shown = {
      scenario: redacted,
      stepNames,
      secrets,
      startsAt: collector.startsAt(),
      ...(explain && { explain }),
    }
    return outcomeOf(collector.replies(), shown, {
      steps: requestsOfPass(scenario),
      completed: collector.total(field.completed),
      oneWay: collector.total(field.oneWay),
    })
  } finally {
    await target.stop()
  }
}

/** Starts the client, if it `waits` once its connections are ready, and stops it by the signal; returns what ends that. */
function follow(
  { fields }: Slab,
  signal: AbortSignal,
  { start, waits }: { start: () => void; waits: boolean },
): () => void {
  if (!waits) start()
  const timer = setInterval(() => {
    const isWaiting = Atomics.load(fields, field.control) === control.open
    if (signal.aborted) Atomics.store(fields, field.control, control.stop)
    else if (isWaiting && Atomics.load(fields, field.state) === state.ready) start()
  }, signalMs)
  return () => clearInterval(timer)
}

function outcomeOf(
  came: Replies,
  shown: ShownWith,
  { steps, completed, oneWay }: { steps: number; completed: number; oneWay: number },
): Walked {
  const replies = stepReplies(came, shown)
  const isAsExpected = completed === steps && replies.every(({ kind }) => kind === 'reply')
  const others = shownSamples(came, shown).filter(({ kind }) => kind !== 'unexpected')
  return {
    lines: [
      ...replies.map(({ step, ...reply }) => {
        return `${reply.kind === 'reply' ? 'ok   ' : 'WRONG'}  ${step}  ${describeSample(reply)}`
      }),
      ...others.map(sample => `${sampleLabels[sample.kind]}: ${describeSample(sample)}`),
      describePass({ answered: completed, steps, ...(oneWay > 0 && { oneWay }), isAsExpected }),
    ],
    isAsExpected,
  }
}
