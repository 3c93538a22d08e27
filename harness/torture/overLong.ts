import { createProtocol } from '../protocols/catalog.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { formatSize } from '../units.ts'
import { withFraming } from './httpFraming.ts'
import type { Subject } from './subject.ts'

/** How many times as long as maxFrame an over-long message is. */
const factor = 4
/** The longest message that is sent. */
const overLongBytesMax = 32 * 1024 * 1024
const filler = 0x78
/** Replaces `filler` when it begins the delimiter of a line. */
const otherFiller = 0x79

/** A valid message longer than maxFrame; or the reason why there is none. */
export function overLongMessage({ spec, protocol, request }: Subject): Uint8Array | string {
  if (spec.name === 'raw') return 'raw has no length: name the framing with --protocol'
  if (spec.maxFrame >= overLongBytesMax) {
    return `a message over its maxFrame of ${formatSize(spec.maxFrame)} exceeds the ${formatSize(overLongBytesMax)} that are sent`
  }
  const endsLine = spec.name === 'line' && spec.delimiter.startsWith(String.fromCharCode(filler))
  const length = Math.min(factor * spec.maxFrame, overLongBytesMax)
  const body = new Uint8Array(length).fill(endsLine ? otherFiller : filler)
  if (spec.name === 'http') return withBody(withFraming(request, `Content-Length: ${body.length}`), body)
  if (spec.name === 'resp') return respCommand(body)
  try {
    return unbounded(spec).encode({ ...(protocol.sent ?? protocol).decode(request, 0, request.length), body })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return `its length field holds no more than its maxFrame of ${formatSize(spec.maxFrame)}`
  }
}

function unbounded(spec: Exclude<ProtocolSpec, { name: 'raw' }>) {
  return createProtocol({ ...spec, maxFrame: Number.MAX_SAFE_INTEGER })
}

function respCommand(argument: Uint8Array): Uint8Array {
  const start = new TextEncoder().encode(`*2\r\n$4\r\nECHO\r\n$${argument.length}\r\n`)
  return Buffer.concat([start, argument, new TextEncoder().encode('\r\n')])
}

function withBody(head: Uint8Array, body: Uint8Array): Uint8Array {
  return Buffer.concat([head, body])
}
