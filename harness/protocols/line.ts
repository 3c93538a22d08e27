import { searchBytes } from './byteSearch.ts'
import { endsTooLate } from './explanation.ts'
import { incomplete, type Protocol, tooLarge } from './protocol.ts'

/** A loop searches this many bytes before a call into the runtime would have begun; that searches the rest. */
const plainSearchBytes = 64

/** Text that ends with a delimiter. `maxFrame` bounds a line with its delimiter, in bytes. */
export function createLine(settings: { readonly delimiter: string; readonly maxFrame: number }): Protocol {
  const { maxFrame } = settings
  const delimiter = new TextEncoder().encode(settings.delimiter)
  const size = delimiter.length
  const first = delimiter[0]!

  function isDelimiter(bytes: Uint8Array, at: number): boolean {
    for (let index = 1; index < size; index++) {
      if (bytes[at + index] !== delimiter[index]) return false
    }
    return true
  }

  function frameEnd(bytes: Uint8Array, from: number, to: number): number {
    // The last place where a delimiter may begin that is whole within both the bytes so far and the bound.
    const last = Math.min(to, from + maxFrame) - size
    const plainLast = Math.min(last, from + plainSearchBytes)
    let at = from
    for (; at <= plainLast; at++) {
      if (bytes[at] === first && isDelimiter(bytes, at)) return at + size
    }
    while (at <= last) {
      at = searchBytes(bytes, first, at)
      if (at < 0 || at > last) break
      if (isDelimiter(bytes, at)) return at + size
      at++
    }
    return to - from >= maxFrame ? tooLarge : incomplete
  }

  return {
    name: 'line',
    frameBytesMax: maxFrame,
    frameEnd,
    encode({ body }) {
      const frame = new Uint8Array(body.length + size)
      frame.set(body)
      frame.set(delimiter, body.length)
      if (frame.length > maxFrame) {
        throw new RangeError(`a line has at most ${maxFrame} bytes with its delimiter, not ${frame.length}`)
      }
      // The search includes the delimiter: a body that ends as the delimiter begins may complete one too early.
      if (searchBytes(frame, delimiter) < body.length) {
        throw new RangeError(`a line must not contain its delimiter ${JSON.stringify(settings.delimiter)}`)
      }
      return frame
    },
    decode: (bytes, from, end) => ({ body: bytes.subarray(from, end - size) }),
    bodyStart: (_bytes, from) => from,
    bodyEnd: (_bytes, _from, end) => end - size,
    explain(bytes, from, to) {
      return frameEnd(bytes, from, to) === tooLarge ? endsTooLate('no line end', maxFrame) : undefined
    },
  }
}
