import type { Measured } from '../metrics/measured.ts'
import { createProtocol } from '../protocols/catalog.ts'
import { speakingConnections } from '../scenario/clients.ts'
import type { AuditedRun } from './inputs.ts'
import { limits } from './limits.ts'

/**
 * How many workers a run should be tried with, one more than it had; undefined where a trial would do harm or tell nothing.
 * It is for a target on this machine, which has an idle core's worth left, and for a run by time, which sends as much as
 * it can anyway. That it was saturated, and its client busy, the caller knows.
 */
export function workersToTry(
  run: Pick<AuditedRun, 'facts' | 'targetIsLocal' | 'machine'>,
  measured: Pick<Measured, 'windowMs' | 'clientCpuSeconds' | 'serverCpuSeconds'>,
): number | undefined {
  const { scenario, workers, environment } = run.facts
  const { target, requests, protocol } = scenario
  const isAskedFor = requests === undefined && target.relay === undefined
  // A message to all connections is more of them with each worker that sends.
  if (!run.targetIsLocal || !isAskedFor || createProtocol(protocol).delivery !== undefined) return undefined
  const seconds = measured.windowMs / 1000
  const { serverCpuSeconds, clientCpuSeconds } = measured
  const others = run.machine?.use?.otherCores
  if (serverCpuSeconds === undefined || others === undefined || !(seconds > 0)) return undefined
  const idle = environment.cores - (serverCpuSeconds + clientCpuSeconds) / seconds - others
  const isFree = idle >= limits.idleCores && workers < speakingConnections(scenario) && workers < environment.cores
  return isFree ? workers + 1 : undefined
}
