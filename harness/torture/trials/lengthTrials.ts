import { formatSize } from '../../units.ts'
import { ServerFault } from '../fault.ts'
import { malformedMessages } from '../malformed.ts'
import type { LengthKind, MalformedMessage } from '../malformedMessage.ts'
import { overLongMessage } from '../overLong.ts'
import type { RawClient } from '../rawClient.ts'
import type { Subject } from '../subject.ts'
import type { Trial } from '../trial.ts'
import type { Workbench } from '../workbench.ts'

/**
 * Wrong lengths. An answer, a close and silence all pass, since protocols differ in what they require. Every server must
 * serve others meanwhile and afterwards, and must not use more memory.
 */
export const lengthTrials: readonly Trial[] = [
  lengthTrial('zero', 'messages with length 0'),
  { ...lengthTrial('negative', 'lengths that are negative when read as signed'), announces: true },
  { ...lengthTrial('huge', 'lengths of 2 GiB, or the most that the field holds, and 64 KiB of body'), announces: true },
  {
    name: 'over-long',
    does: 'a valid message of four times maxFrame, streamed: any answer or a close, no harm to others',
    unfit: subject => {
      const message = overLongMessage(subject)
      return typeof message === 'string' ? message : undefined
    },
    async run(workbench) {
      const message = overLongMessage(workbench.subject) as Uint8Array
      const client = await workbench.open()
      // A server may refuse the message at its header and stop reading: that is an answer too.
      const isAccepted = await client.write(message, workbench.timeoutMs)
      await client.until(() => hasAnswered(client), workbench.times.heldMs)
      await workbench.othersServed()
      return `${formatSize(message.length)}${isAccepted ? '' : ', not all accepted'}: ${outcomeOf(client)}`
    },
  },
]

function lengthTrial(kind: LengthKind, what: string): Trial {
  return {
    name: `${kind}-length`,
    does: `${what}: any answer or a close, no harm to others`,
    unfit: subject => {
      const messages = malformedMessages(kind, subject)
      return typeof messages === 'string' ? messages : undefined
    },
    run: workbench => sendEach(workbench, messagesOf(kind, workbench.subject)),
  }
}

function messagesOf(kind: LengthKind, subject: Subject): readonly MalformedMessage[] {
  return malformedMessages(kind, subject) as readonly MalformedMessage[]
}

/** Sends each on its own connection, one after the other, so that a fault belongs to one of them. */
async function sendEach(workbench: Workbench, messages: readonly MalformedMessage[]): Promise<string> {
  const outcomes: string[] = []
  for (const { what, bytes } of messages) {
    try {
      const client = await workbench.open()
      await client.write(bytes, workbench.timeoutMs)
      await client.until(() => hasAnswered(client), workbench.times.heldMs)
      await workbench.othersServed()
      outcomes.push(`${what}: ${outcomeOf(client)}`)
      client.closeGracefully()
    } catch (error) {
      throw error instanceof ServerFault ? new ServerFault(`${what}: ${error.message}`) : error
    }
  }
  return outcomes.join('; ')
}

function hasAnswered(client: RawClient): boolean {
  return client.bytesIn > 0
}

/** What a server did with bytes that need no particular answer. */
export function outcomeOf(client: RawClient): string {
  const end = client.error !== undefined ? 'reset' : client.isEnded || client.isClosed ? 'closed' : ''
  if (!hasAnswered(client)) return end || 'no answer'
  return end === '' ? 'answered' : `answered and ${end}`
}
