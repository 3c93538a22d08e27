import type { WorkerPlan } from '../../plan/plan.ts'
import { createKeyHandshakeClient } from '../../protocols/keyHandshake.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import type { Patcher } from './patches.ts'

/** The part of a handshake with a key that depends on what the server says. */
export interface Signer {
  /** A step has the reply `bytes[from, end)`: of a challenge, the signature is put where the next message takes it from. */
  answered(step: number, bytes: Uint8Array, from: number, end: number): void
  /** Whether a reply to the handshake says that the server does not take us. */
  isRefusal(bytes: Uint8Array, from: number, end: number): boolean
}

/**
 * The signer of a plan with a key. There is one signature for all connections: each is sent within the event that brought
 * its challenge, before that of another connection comes up.
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
      if (step !== challengeStep) return
      patcher.signature = handshake.signature(bytes, from, end)
    },
    isRefusal: (bytes, from, end) => handshake.kindOf(bytes, from, end) === 'refusal',
  }
}
