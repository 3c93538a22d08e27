import { z } from 'zod'
import { checked, count, listOf, mapping, wantedText } from '../../fields.ts'
import { InvalidValue } from '../../invalidValue.ts'
import { type ClientGroup, limits } from '../scenario.ts'
import { connectSchema, loopSchema, mixSchema } from './steps.ts'

const nameLengthMax = 40
/** Reports name a step by it: `publishers.loop[0]`. */
const namePattern = /^[\p{L}_][\p{L}\p{N}_-]*$/u
const nameForms = `a name of letters, digits, "_" and "-", at most ${nameLengthMax} of them`

// A check and not a zod pattern, which would be in the JSON Schema: not every reader supports \p.
const name = z.string({ error: issue => wantedText(nameForms, issue.input) }).superRefine(
  checked((value: string) => {
    if (value.length > nameLengthMax || !namePattern.test(value)) throw new InvalidValue(nameForms)
  }),
)

const groupShape = {
  name: name.exactOptional().describe('What reports call it, such as publishers'),
  connections: count(1, limits.connectionsMax).prefault(10).describe('Its connections'),
  connect: connectSchema.prefault([]).describe('Steps sent once on each of its new connections'),
  loop: loopSchema
    .exactOptional()
    .describe('What one iteration sends. A group without loop and mix only listens: its connections stay open'),
  mix: mixSchema.exactOptional().describe('Instead of loop: steps drawn at random by weight'),
} satisfies Record<keyof ClientGroup, z.ZodType>

/** Groups of connections that do not do the same. */
export const clientsSchema = listOf(
  mapping(groupShape, 'a mapping with connections, connect and loop'),
  'groups such as { connections: 100, connect: [ ... ] }',
  1,
  limits.clientGroupsMax,
)
