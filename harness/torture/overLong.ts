import { createProtocol } from '../protocols/catalog.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { formatSize } from '../units.ts'
import { withFraming } from './httpFraming.ts'
import type { Subject } from './subject.ts'

/** How many times maxFrame an over-long message has. */
const factor = 4
/** The longest that is sent. */
const overLongBytesMax = 32 * 1024 * 1024
const filler = 0x78
/** In place of it where lines end with that. */
const otherFiller = 0x79

/** A message that is longer than maxFrame, and as long as it says; a text says why there is none. */
export function overLongMessage({ spec, protocol, request }: Subject): Uint8Array | string {
  if (spec.name === 'raw') return 'raw has no length: name the framing with --protocol'
  if (spec.maxFrame >= overLongBytesMax) {
    return `a message over its maxFrame of ${formatSize(spec.maxFrame)} is more than is sent here`
  }
  const endsLine = spec.name === 'line' && spec.delimiter.startsWith(String.fromCharCode(filler))
  const length = Math.min(factor * spec.maxFrame, overLongBytesMax)
  const body = new Uint8Array(length).fill(endsLine ? otherFiller : filler)
  if (spec.name === 'http') return withBody(withFraming(request, `Content-Length: ${body.length}`), body)
  if (spec.name === 'resp') return respCommand(body)
  try {
    return unbounded(spec).encode({ ...protocol.decode(request, 0, request.length), body })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return `its length field holds no more than a message of maxFrame, ${formatSize(spec.maxFrame)}`
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
