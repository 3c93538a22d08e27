/** A message up to this length is cut at every offset. */
const everyOffsetBytesMax = 256
/** Offsets taken at each end of a longer message, where headers and delimiters are, and again in between. */
const edgeOffsets = 64

/** Offsets at which a message of `length` bytes is cut in two: all of them, or of a long one both ends and some between. */
export function splitOffsets(length: number): number[] {
  if (length <= everyOffsetBytesMax) return range(1, length)
  const [from, to] = [1 + edgeOffsets, length - edgeOffsets]
  const count = Math.min(edgeOffsets, to - from)
  const middle = Array.from({ length: count }, (_, index) => from + Math.floor((index * (to - from)) / count))
  return [...range(1, from), ...middle, ...range(to, length)]
}

/** At most `count` of the offsets, evenly spread, including the first and the last. */
export function spread(offsets: readonly number[], count: number): number[] {
  if (offsets.length <= count) return [...offsets]
  const step = (offsets.length - 1) / (count - 1)
  return Array.from({ length: count }, (_, index) => offsets[Math.round(index * step)]!)
}

/** The message in pieces of one byte; the middle of a long one is a single piece. */
export function singleBytes(message: Uint8Array): Uint8Array[] {
  const edge = everyOffsetBytesMax / 2
  const { length } = message
  if (length <= everyOffsetBytesMax) return cutAt(message, range(1, length))
  return cutAt(message, [...range(1, edge + 1), ...range(length - edge, length)])
}

/** The message cut at the offsets, which must ascend. */
export function cutAt(message: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const bounds = [0, ...offsets, message.length]
  return bounds.slice(1).map((end, index) => message.subarray(bounds[index]!, end))
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index)
}
