import type { EvidenceInputs } from '../evidence.ts'
import type { WorkersInputs } from '../workers.ts'

/** A run of ten seconds with ten thousand requests. */
export const enoughEvidence: EvidenceInputs = {
  measuredMs: 10_000,
  completed: 10_000,
  interrupted: false,
  mode: 'loop',
  durationMs: 10_000,
  isCounted: false,
  hasStages: false,
  isWarmupAutomatic: true,
}

/** One worker on two cores, whose number was left to Volley. */
export const oneWorker: WorkersInputs = { started: 1, asked: undefined, cores: 2, connections: 10 }
