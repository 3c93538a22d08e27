import type { WorkerPlan } from '../../plan/plan.ts'
import { createKeyHandshakeClient } from '../../protocols/keyHandshake.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import type { Patcher } from './patches.ts'

/** Signs the challenges of a handshake with a key. */
export interface Signer {
  /**
   * After a reply to a step: if it is the challenge, its signature is patched into the next message of the handshake.
   */
  answered(step: number, bytes: Uint8Array, from: number, end: number): void
}

/**
 * The signer of a plan with a key; undefined without one. A single signature serves all connections: it is sent in the
 * event that brought its challenge, before the challenge of another connection is read.
 */
export function createSigner(
  { key, bank }: Pick<WorkerPlan, 'key' | 'bank'>,
  protocol: Protocol,
  patcher: Patcher,
): Signer | undefined {
  if (key === undefined) return undefined
  const handshake = createKeyHandshakeClient(protocol, key)
  const challengeStep = bank.steps.findIndex(step => step.challenge === true)
  return {
    answered(step, bytes, from, end) {
      if (step === challengeStep) patcher.signature = handshake.signature(bytes, from, end)
    },
  }
}
