import type { Protocol } from '../../harness/protocols/protocol.ts'
import { quoteShown, type Secrets, showBytes } from '../../harness/shownBytes.ts'
import type { DescribeMessage } from './trafficLog.ts'

/** Of a longer message the beginning is shown. */
const shownBytesMax = 64
const shownCharactersMax = 240

/** Describes messages by the fields of the protocol and their body: `type 1  "hello"`. */
export function describeFields(protocol: Protocol, secrets: Secrets): DescribeMessage {
  return (bytes, from, end) => {
    const { type, id, body } = protocol.decode(bytes, from, end)
    const fields = [type === undefined ? '' : `type ${type}`, id === undefined ? '' : `id ${id}`]
    return [...fields, shown(body, 0, body.length, secrets)].filter(part => part !== '').join('  ')
  }
}

/** Describes messages by all of their bytes, with what frames them: `"hello\n"`. */
export function describeBytes(secrets: Secrets): DescribeMessage {
  return (bytes, from, end) => shown(bytes, from, end, secrets)
}

/** Bytes as text, or as hex where they are none, in one line. */
function shown(bytes: Uint8Array, from: number, end: number, secrets: Secrets): string {
  const isCut = end - from > shownBytesMax
  const text = quoteShown(
    showBytes(bytes.subarray(from, Math.min(end, from + shownBytesMax)), secrets, isCut),
    shownCharactersMax,
  )
  return isCut ? `${text} …` : text
}
