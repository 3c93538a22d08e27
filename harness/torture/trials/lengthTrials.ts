import { formatSize } from '../../units.ts'
import { ServerFault } from '../fault.ts'
import { type LengthKind, type MalformedMessage, malformedMessages } from '../malformed.ts'
import { overLongMessage } from '../overLong.ts'
import type { RawClient } from '../rawClient.ts'
import type { Subject } from '../subject.ts'
import type { Trial } from '../trial.ts'
import type { Workbench } from '../workbench.ts'

/** How long a malformed message is left to the server while its connection stays open. */
const heldMs = 200

/**
 * Lengths that lie. An answer, an orderly end and silence are all right, for protocols differ in what they want; that
 * others are served meanwhile and after, and that memory stays what it was, is wanted of every server.
 */
export const lengthTrials: readonly Trial[] = [
  lengthTrial('zero', 'messages of no length'),
  { ...lengthTrial('negative', 'lengths that are below zero for who reads them as signed'), announces: true },
  { ...lengthTrial('huge', 'lengths of 2 GiB, or as far as the field goes, and 64 KiB of body'), announces: true },
  {
    name: 'over-long',
    does: 'a true message of four times maxFrame, streamed: any answer or an end, and no harm to others',
    unfit: subject => {
      const message = overLongMessage(subject)
      return typeof message === 'string' ? message : undefined
    },
    async run(workbench) {
      const message = overLongMessage(workbench.subject) as Uint8Array
      const client = await workbench.open()
      // A server may well refuse at the header, and take no more: that is its answer.
      const isTaken = await client.write(message, workbench.timeoutMs)
      await client.until(() => hasAnswered(client), heldMs)
      await workbench.othersServed()
      return `${formatSize(message.length)}${isTaken ? '' : ', not all taken'}: ${outcomeOf(client)}`
    },
  },
]

function lengthTrial(kind: LengthKind, what: string): Trial {
  return {
    name: `${kind}-length`,
    does: `${what}: any answer or an end, and no harm to others`,
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

/** Each on a connection of its own, one after the other, so that what is wrong can be told to be of one of them. */
async function sendEach(workbench: Workbench, messages: readonly MalformedMessage[]): Promise<string> {
  const outcomes: string[] = []
  for (const { what, bytes } of messages) {
    try {
      const client = await workbench.open()
      await client.write(bytes, workbench.timeoutMs)
      await client.until(() => hasAnswered(client), heldMs)
      await workbench.othersServed()
      outcomes.push(`${what}: ${outcomeOf(client)}`)
      client.leave()
    } catch (error) {
      throw error instanceof ServerFault ? new ServerFault(`${what}: ${error.message}`) : error
    }
  }
  return outcomes.join('; ')
}

function hasAnswered(client: RawClient): boolean {
  return client.bytesIn > 0
}

/** What a server made of bytes that want no particular answer. */
export function outcomeOf(client: RawClient): string {
  const end = client.error !== undefined ? 'reset' : client.isEnded || client.isClosed ? 'closed' : ''
  if (!hasAnswered(client)) return end || 'no answer'
  return end === '' ? 'answered' : `answered and ${end}`
}
