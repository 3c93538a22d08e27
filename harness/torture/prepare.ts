import { formatEndpoint } from '../address.ts'
import { createSingleRequests, spokenSteps } from '../engine/client/singleRequests.ts'
import { UserError } from '../errors.ts'
import type { ProcessRef } from '../host/processes.ts'
import type { RequestBank } from '../plan/bank.ts'
import type { Materials } from '../plan/materials.ts'
import { composeProtocol, type SpokenProtocol } from '../protocols/composed.ts'
import type { LoadedScenario } from '../scenario/loaded.ts'
import { hasSecretAddress } from '../scenario/redact.ts'
import { isDatagramTarget } from '../scenario/resolve.ts'
import { openTarget } from '../target/target.ts'
import type { TortureOptions } from './torture.ts'

/** A scenario whose files are read and whose requests are encoded, and what a torture of its target needs besides. */
export interface TorturePreparation {
  /** The scenario's file or URL, by which messages name it. */
  readonly source: string
  readonly loaded: LoadedScenario
  readonly protocol: SpokenProtocol
  readonly bank: RequestBank
  readonly materials: Materials
  readonly seed: number
  /** The process to watch if the target is not started here. */
  readonly watched?: ProcessRef | undefined
  readonly signal: AbortSignal
}

/** The options of `torture` that follow from a scenario and its target. */
export type TortureSettings = Omit<TortureOptions, 'trials' | 'onResult'>

/** A target that is up, and how it is tortured. */
export interface OpenTorture {
  readonly settings: TortureSettings
  /** Stops what was started. */
  stop(): Promise<void>
}

/** Throws a UserError for a target over UDP: what trials cut and glue is a stream. */
export function checkStream({ scenario }: LoadedScenario): void {
  if (!isDatagramTarget(scenario.target)) return
  throw new UserError('torture cuts and glues what is sent over a stream: it works over TCP, not over UDP')
}

/** Starts or reaches the target; throws a UserError if that fails, or if the requests cannot be repeated on each connection. */
export async function openTorture(preparation: TorturePreparation): Promise<OpenTorture> {
  const { source, loaded, protocol: spoken, bank, materials, seed, watched, signal } = preparation
  const { scenario, redacted } = loaded
  checkRepeatable(source, bank)
  const protocol = composeProtocol(spoken)
  const { request, replyFormat, handshake } = createSingleRequests({ bank, protocol, key: scenario.key, seed })
  const layers = spoken.layers?.names
  const subject = {
    ...{ spec: spoken.spec, protocol, request: request(), handshake },
    ...(layers && { layers }),
    ...(replyFormat && { replyFormat }),
  }
  const target = await openTarget(scenario.target, {
    protocol: spoken,
    tls: materials.tls,
    seed,
    shown: redacted.target,
    timeoutMs: scenario.timeout,
    signal,
  })
  const settings: TortureSettings = {
    address: target.address,
    target: hasSecretAddress(scenario.target, redacted.target) ? '***' : formatEndpoint(target.address),
    subject,
    timeoutMs: scenario.timeout,
    seed,
    process: target.process ?? watched,
    signal,
  }
  return { settings, stop: () => target.stop() }
}

/** Throws a UserError if the first request or the handshake takes values of its connection, or has no reply. */
function checkRepeatable(source: string, bank: RequestBank): void {
  const { first, handshake } = spokenSteps(bank)
  const steps = [first, ...handshake.map(index => bank.steps[index]!)]
  // In groups there is no request for --send to replace.
  const otherwise =
    bank.groups[0]!.name !== undefined
      ? 'begin the first loop of clients with another one'
      : 'give another request with --send'
  const faults = steps.flatMap(({ name, isTemplate, reply }) => [
    ...(isTemplate ? [{ place: `${source} ${name}`, message: `${takesValues}: ${otherwise}` }] : []),
    ...(reply ? [] : [{ place: `${source} ${name}`, message: `${hasNoReply}: ${otherwise}` }]),
  ])
  if (faults.length > 0) throw new UserError(faults)
}

const takesValues =
  'takes a captured value or the address of its connection, but a torture sends the same bytes on every connection'
const hasNoReply = 'expects no reply, but a torture tells by the replies how the server fares'
