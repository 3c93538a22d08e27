import type { z } from 'zod'
import { count, duration, evenIfFaulty, field, hasUnknownKey, mapping } from '../../fields.ts'
import { InvalidValue } from '../../invalidValue.ts'
import type { WireSettings } from '../../transports/wire.ts'
import { formatSize, parseSize } from '../../units.ts'

const pieceBytesMax = 1024 * 1024
const coalesceMax = 65_536
const delayMsMax = 60_000
const forms = 'a mapping such as { split: 3 bytes } or { coalesce: 10, delay: 5ms }'
const splitForms = 'a size such as 3 bytes, every-byte or random'

const wireShape = {
  split: field(
    {
      anyOf: [
        { enum: ['every-byte', 'random'] },
        { type: 'string', examples: ['3 bytes'] },
        { type: 'integer', minimum: 1, maximum: pieceBytesMax },
      ],
    },
    readSplit,
  )
    .exactOptional()
    .describe('Write every request in pieces: of a size such as 3 bytes, every-byte, or random for random lengths'),
  coalesce: count(2, coalesceMax).exactOptional().describe('Write this many requests of a connection at once'),
  delay: duration({ min: 0, max: delayMsMax })
    .exactOptional()
    .describe(
      'split: the time from one piece to the next, at least a turn of the event loop; coalesce: how long requests may wait, by default 10ms',
    ),
} satisfies Record<keyof WireSettings, z.ZodType>

/** How writes are split or coalesced: exactly one of the two. */
export const wireSchema = mapping(wireShape, forms).superRefine((value, context) => {
  const found = ['split', 'coalesce'].filter(key => key in value)
  if (found.length === 1 || (found.length === 0 && hasUnknownKey(context))) return
  context.addIssue(new InvalidValue('one of split and coalesce', found.length === 0 ? 'neither' : 'both').message)
}, evenIfFaulty)

function readSplit(value: unknown): number | 'random' {
  if (value === 'random') return value
  if (value === 'every-byte') return 1
  const size = typeof value === 'string' ? value.replace(/ bytes?$/, '') : value
  const bytes = typeof size === 'string' || typeof size === 'number' ? parseSize(String(size)) : undefined
  if (bytes === undefined) throw new InvalidValue(splitForms)
  if (bytes < 1 || bytes > pieceBytesMax) throw new InvalidValue(`pieces of 1 B to ${formatSize(pieceBytesMax)}`)
  return bytes
}
