import type { Picture } from '../protocols/picture/elements.ts'
import { type Layout, layoutOf } from '../protocols/picture/layout.ts'
import { lengthScale } from '../protocols/picture/lengths.ts'
import { hugeLength, hugeSentBytes, type LengthKind, type MalformedMessage } from './malformedMessage.ts'

/** Bytes that a reader takes for a negative number, or for no number at all, by the form of the length. */
const strange: Readonly<Record<string, readonly string[]>> = {
  leb128: ['ffffffffff7f', 'ffffffffffffffffffff'],
  ber: ['84ffffffff', '80'],
  ws: ['7fffffffffffffffff', '7f8000000000000000'],
}

/** Frames with such a length, made from a valid request that is drawn so; or the reason why there are none. */
export function pictureMessages(
  kind: LengthKind,
  picture: Picture,
  request: Uint8Array,
): readonly MalformedMessage[] | string {
  const layout = layoutOf(picture)
  const { length, headBytes } = layout
  if (length === undefined) return 'its frames have no length'
  const width = length.kind.read(request, headBytes, request.length) % lengthScale
  const head = request.subarray(0, headBytes)
  const behind = request.subarray(headBytes + width)
  const withLength = (bytes: Uint8Array, rest: Uint8Array) => Buffer.concat([head, bytes, rest])
  const shown = (bytes: Uint8Array) => `length 0x${Buffer.from(bytes).toString('hex')}`
  switch (kind) {
    case 'zero': {
      const bare = behind.subarray(0, layout.betweenBytes)
      const empty = emptyLength(layout, width)
      const zero = { what: 'length 0', bytes: withLength(length.kind.encode(0), bare) }
      if (empty <= 0 || empty > length.kind.valueMax) return [zero]
      const tail = request.subarray(request.length - layout.tailBytes)
      const rest = Buffer.concat([bare, tail])
      return [zero, { what: `length ${empty}, no body`, bytes: withLength(length.kind.encode(empty), rest) }]
    }
    case 'negative':
      return negativeLengths(layout).map(bytes => ({ what: shown(bytes), bytes: withLength(bytes, behind) }))
    case 'huge': {
      const value = Math.min(hugeLength, length.kind.valueMax)
      if (value <= hugeSentBytes) return `its length holds no more than ${length.kind.valueMax}`
      const start = Buffer.concat([behind.subarray(0, layout.betweenBytes), Buffer.alloc(hugeSentBytes, 'x')])
      return [{ what: `length ${value}`, bytes: withLength(length.kind.encode(value), start) }]
    }
  }
}

/** The length of a frame without a body. */
function emptyLength({ length, headBytes, betweenBytes, tailBytes }: Layout, width: number): number {
  const { counts, plus } = length!.element
  const counted = { rest: betweenBytes + tailBytes, body: 0, itself: width + betweenBytes + tailBytes } as const
  return (counts === 'all' ? headBytes + width + betweenBytes + tailBytes : counted[counts]) - plus
}

function negativeLengths({ length }: Layout): Uint8Array[] {
  const { form } = length!.element
  if (typeof form === 'object')
    return 'decimal' in form ? [Buffer.from(`-1${form.decimal.ends}`)] : [digits(form.digits)]
  const named = strange[form]
  if (named !== undefined) return named.map(hex => Buffer.from(hex, 'hex'))
  const width = length!.kind.fixedBytes!
  const lowest = Buffer.alloc(width)
  lowest[form.endsWith('le') ? width - 1 : 0] = 0x80
  return [Buffer.alloc(width, 0xff), lowest]
}

/** A minus and digits in as many places as the length has. */
function digits(count: number): Uint8Array {
  return Buffer.from('1'.padStart(count, '-'))
}
