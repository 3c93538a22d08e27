import { z } from 'zod'
import { mapping, size } from '../../fields.ts'
import { isMapping } from '../../mapping.ts'
import type { ReplyRules } from '../../protocols/replies/replies.ts'
import { endFaults, replyEndShape } from '../../protocols/replies/schema.ts'
import { frameBytesMax, protocolSchema } from '../../protocols/spec.ts'
import type { ReplyForm } from '../scenario.ts'

const forms = 'a mapping with until, more or single, with line or frame, or with bytes'

const fixedLength = mapping(
  { bytes: size(1, frameBytesMax).describe('The reply has so many bytes, without any framing') },
  '{ bytes: 4 }',
)

const endRules = mapping(replyEndShape, forms).superRefine((rules, context) => {
  for (const message of endFaults(rules as ReplyRules)) context.addIssue({ code: 'custom', message })
})

/** How the reply to one step ends, where it is unlike the others: by other rules, in another format, or after some bytes. */
export const replyFormSchema = z
  .unknown()
  .transform((input, context): ReplyForm => {
    const fail = (issues: readonly z.core.$ZodIssue[]) => {
      for (const issue of issues) context.addIssue({ ...issue } as Parameters<typeof context.addIssue>[0])
      return z.NEVER
    }
    if (!isMapping(input) || Object.keys(input).length === 0) {
      const hint = typeof input === 'boolean' ? ' (expect: nothing for a step without a reply)' : ''
      context.addIssue({ code: 'custom', message: `expected ${forms}${hint}` })
      return z.NEVER
    }
    if ('bytes' in input) {
      const result = fixedLength.safeParse(input)
      return result.success ? { spec: { name: 'raw', replyBytes: result.data.bytes } } : fail(result.error.issues)
    }
    if ('line' in input || 'frame' in input) {
      const result = protocolSchema.safeParse(input)
      return result.success ? { spec: result.data } : fail(result.error.issues)
    }
    const result = endRules.safeParse(input)
    return result.success ? { rules: result.data as NonNullable<ReplyForm['rules']> } : fail(result.error.issues)
  })
  .meta({ type: 'object' })
