import { isMessage, isUnframed, type Send } from '../scenario/scenario.ts'
import { parseSlots } from '../scenario/schema/slots.ts'
import { hasVaryingChecksum, textsIn } from './payload.ts'
import { localAddress } from './templates.ts'

/** Whether a request has a value of the data file in it. */
export function usesData(send: Send): boolean {
  return textsOf(send).some(text => hasSlot(text, 'data'))
}

/** Whether a request is encoded when it is sent: a text in it has no fixed width, or it has a checksum of what differs each time. */
export function isEncodedOnSend(send: Send): boolean {
  const body = isMessage(send) ? (send.body ?? '') : isUnframed(send) ? send.unframed : send
  const isOfAnyLength = textsOf(send).some(text => hasSlot(text, 'capture') || hasSlot(text, localAddress))
  return isOfAnyLength || hasVaryingChecksum(body)
}

/** Every text of a request that may have slots in it. */
export function textsOf(send: Send): string[] {
  if (isUnframed(send)) return textsIn(send.unframed)
  if (!isMessage(send)) return textsIn(send)
  return [
    ...textsIn(send.body ?? ''),
    ...(send.path === undefined ? [] : [send.path]),
    ...(send.clientIp === undefined ? [] : [send.clientIp]),
    ...Object.values(send.headers ?? {}),
  ]
}

/** Whether a text has the captured value of that name in it. */
export function hasCapture(text: string, name: string): boolean {
  return parseSlots(text).some(part => 'slot' in part && part.slot === 'capture' && part.name === name)
}

function hasSlot(text: string, slot: string): boolean {
  return parseSlots(text).some(part => 'slot' in part && part.slot === slot)
}
