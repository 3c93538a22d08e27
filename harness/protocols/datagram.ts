import { formatSize } from '../units.ts'
import { malformed, type Protocol, type ProtocolName, tooLarge } from './protocol.ts'

/** The longest datagram over IPv4: 65,535 bytes less the headers of IP and UDP. */
export const datagramBytesMax = 65_507

/** The protocols that also run over UDP. */
export const datagramProtocols = ['raw', 'line', 'frame', 'tlv', 'rpc'] as const satisfies readonly ProtocolName[]

/**
 * A protocol over UDP: one datagram is one frame. A datagram with more or less than a frame is malformed, so there are
 * no partial frames. A raw message is the whole datagram, of any length, unless the length of replies is set.
 */
export function overDatagrams(protocol: Protocol): Protocol {
  const { needsRequestBytes, ...rest } = protocol
  const frameBytesMax = Math.min(protocol.frameBytesMax, datagramBytesMax)
  return {
    ...rest,
    frameBytesMax,
    frameEnd(bytes, from, to) {
      if (from === to) return malformed
      if (needsRequestBytes) return to
      const end = protocol.frameEnd(bytes, from, to, 0)
      return end === to || end === tooLarge ? end : malformed
    },
    explain(bytes, from, to) {
      if (from === to) return 'an empty datagram'
      if (needsRequestBytes) return undefined
      const end = protocol.frameEnd(bytes, from, to, 0)
      if (end < 0) return protocol.explain?.(bytes, from, to)
      if (end === to) return undefined
      const size = formatSize(to - from)
      return end === 0
        ? `a datagram of ${size} that is no whole frame`
        : `a datagram of ${size} with a frame of ${formatSize(end - from)}`
    },
    encode(message) {
      const frame = protocol.encode(message)
      if (frame.length <= datagramBytesMax) return frame
      throw new RangeError(`a datagram has at most ${datagramBytesMax} bytes, not ${frame.length}`)
    },
  }
}
