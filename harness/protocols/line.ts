import { searchBytes } from './byteSearch.ts'
import { endsTooLate } from './explanation.ts'
import { dataReader, type LineData, noData, unreadable } from './lineData.ts'
import { prefixTest } from './prefix.ts'
import { incomplete, type Message, malformed, type Protocol, tooLarge } from './protocol.ts'

/** A loop searches this many bytes before a call into the runtime would have begun; that searches the rest. */
const plainSearchBytes = 64

/** How lines end, and what may stand behind and between them. */
export interface LineSettings {
  readonly delimiter: string
  /** The longest line with its delimiter, and with the data behind it, in bytes. */
  readonly maxFrame: number
  /** Lines that announce data, which is part of their frame. */
  readonly data?: readonly LineData[]
  /** Bytes that may stand between frames, and are no part of a line. */
  readonly between?: string
}

/** Text that ends with a delimiter. */
export function createLine(settings: LineSettings): Protocol {
  const { data = [], between = '' } = settings
  const plain = createPlainLine(settings)
  return data.length === 0 && between === '' ? plain : withData(plain, { ...settings, data, between })
}

/** Lines that data follows, or that other bytes separate. */
function withData(plain: Protocol, { delimiter, maxFrame, data, between }: Required<LineSettings>): Protocol {
  const size = Buffer.byteLength(delimiter)
  const { read, behind } = dataReader(data)
  const filler = new TextEncoder().encode(between)
  const isFiller = Uint8Array.from({ length: 256 }, (_, byte) => (filler.includes(byte) ? 1 : 0))
  const bodyStart =
    filler.length === 0
      ? (_bytes: Uint8Array, from: number) => from
      : (bytes: Uint8Array, from: number, to: number) => {
          let at = from
          while (at < to && isFiller[bytes[at]!] === 1) at++
          return at
        }
  const { frameEnd: lineEnd } = plain
  function frameEnd(bytes: Uint8Array, from: number, to: number): number {
    const first = bodyStart(bytes, from, to)
    const end = lineEnd(bytes, first, to, 0)
    if (end <= 0) return end === incomplete && to - from >= maxFrame ? tooLarge : end
    const length = read(bytes, first, end - size)
    if (length === noData) return end
    if (length === unreadable) return malformed
    const whole = end + length
    if (whole - from > maxFrame) return tooLarge
    return whole > to ? incomplete : whole
  }
  /** What stands behind data, such as another delimiter, is no part of the body. */
  function bodyEnd(bytes: Uint8Array, from: number, end: number): number {
    const first = bodyStart(bytes, from, end)
    const lineEnd = plain.frameEnd(bytes, first, end, 0)
    return lineEnd === end ? end - size : end - behind(bytes, first, lineEnd - size)
  }
  /** A command that announces data has its line end in front of them. */
  function withDelimiter(body: Uint8Array): Uint8Array {
    const frame = Buffer.concat([body, Buffer.from(delimiter)])
    if (frame.length > maxFrame) throw new RangeError(tooLong(frame.length, maxFrame))
    return new Uint8Array(frame.buffer, frame.byteOffset, frame.length)
  }
  return {
    ...plain,
    frameEnd,
    bodyStart,
    bodyEnd,
    tailBytesMax: size + data.reduce((most, { plus }) => Math.max(most, plus), 0),
    decode: (bytes, from, end) => ({ body: bytes.subarray(bodyStart(bytes, from, end), bodyEnd(bytes, from, end)) }),
    ...(filler.length > 0 && { between: bodyStart }),
    ...(data.length > 0 && { encode: ({ body }: Message) => withDelimiter(body) }),
    explain(bytes, from, to) {
      const end = frameEnd(bytes, from, to)
      if (end === malformed) return 'announces data, and its length is no number'
      return end === tooLarge ? endsTooLate('no end of a line and its data', maxFrame) : undefined
    },
  }
}

function tooLong(bytes: number, maxFrame: number): string {
  return `a line has at most ${maxFrame} bytes with its delimiter, not ${bytes}`
}

function createPlainLine(settings: LineSettings): Protocol {
  const { maxFrame } = settings
  const delimiter = new TextEncoder().encode(settings.delimiter)
  const size = delimiter.length
  const first = delimiter[0]!
  const isDelimiter = prefixTest(delimiter)

  const find = finderOf(delimiter)

  function frameEnd(bytes: Uint8Array, from: number, to: number): number {
    // The last place where a delimiter may begin that is whole within both the bytes so far and the bound.
    const last = Math.min(to, from + maxFrame) - size
    const plainLast = Math.min(last, from + plainSearchBytes)
    const at = find(bytes, from, plainLast)
    return at >= 0 ? at + size : longEnd(bytes, from, to, plainLast + 1, last)
  }

  /** The same from `start` on, where the end is not near: this is no part of the loop above, which has to stay small. */
  function longEnd(bytes: Uint8Array, from: number, to: number, start: number, last: number): number {
    for (let at = start; at <= last; at++) {
      at = searchBytes(bytes, first, at)
      if (at < 0 || at > last) break
      if (isDelimiter(bytes, at)) return at + size
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
        throw new RangeError(tooLong(frame.length, maxFrame))
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

/** Finds the first delimiter that begins in `bytes[from, last]`, or gives -1. */
type Finder = (bytes: Uint8Array, from: number, last: number) => number

/** The delimiters of nearly all protocols have one byte or two, and are looked for without a call. */
function finderOf(delimiter: Uint8Array): Finder {
  const [first, second] = delimiter
  if (delimiter.length === 1) {
    return (bytes, from, last) => {
      for (let at = from; at <= last; at++) {
        if (bytes[at] === first) return at
      }
      return -1
    }
  }
  if (delimiter.length === 2) {
    return (bytes, from, last) => {
      for (let at = from; at <= last; at++) {
        if (bytes[at] === first && bytes[at + 1] === second) return at
      }
      return -1
    }
  }
  const isThere = prefixTest(delimiter)
  return (bytes, from, last) => {
    for (let at = from; at <= last; at++) {
      if (isThere(bytes, at)) return at
    }
    return -1
  }
}
