import { z } from 'zod'
import type { ProtocolSpec } from '../../protocols/protocolSpec.ts'
import type { AnswerRule } from '../../protocols/replies/replies.ts'
import { protocolSchema } from '../../protocols/spec.ts'
import { captureSchema } from './capture.ts'
import { sendSchema } from './payload.ts'

/** A protocol whose answers to messages of the server are read as the steps of a scenario are. */
export const spokenSchema = protocolSchema.transform((spec, context): ProtocolSpec => {
  const rules = 'replies' in spec ? spec.replies?.answer : undefined
  if (rules === undefined) return spec
  const read = rules.map((rule, index) => readAnswer(rule, ['replies', 'answer', index], context))
  return { ...spec, replies: { ...(spec as { replies: object }).replies, answer: read } } as ProtocolSpec
})

function readAnswer(rule: AnswerRule, path: (string | number)[], context: z.RefinementCtx): AnswerRule {
  const send = sendSchema.safeParse(rule.send)
  const capture = rule.capture === undefined ? undefined : captureSchema.safeParse(rule.capture)
  for (const [key, result] of Object.entries({ send, capture })) {
    for (const issue of result?.error?.issues ?? []) {
      context.addIssue({ ...issue, path: [...path, key, ...issue.path] } as Parameters<typeof context.addIssue>[0])
    }
  }
  return {
    to: rule.to,
    send: send.success ? send.data : z.NEVER,
    ...(capture?.success && { capture: capture.data }),
  }
}
