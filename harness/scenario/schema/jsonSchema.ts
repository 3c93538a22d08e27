import { z } from 'zod'
import { scenarioSchema } from './schema.ts'

/** The JSON Schema (draft 7) of a scenario file, with which editors complete and check it. */
export function scenarioJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(scenarioSchema, { io: 'input', target: 'draft-7', unrepresentable: 'any' })
  const { $schema, ...rest } = schema
  return {
    $schema,
    title: 'Volley scenario',
    description: 'What to send, to which target, at what load and for how long',
    ...rest,
    oneOf: [{ required: ['loop'] }, { required: ['mix'] }, { required: ['clients'] }],
  }
}
