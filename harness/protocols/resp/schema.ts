import { z } from 'zod'
import { choice, integer, mapping } from '../../fields.ts'
import type { ProtocolSpec } from '../protocolSpec.ts'

const loginBytesMax = 1024
/** As many as a server can be configured to have. */
const databaseMax = 2 ** 31 - 1

const loginPart = (what: string) =>
  z
    .string(`expected ${what} as text`)
    .min(1, `expected ${what}, got ""`)
    .refine(text => Buffer.byteLength(text) <= loginBytesMax, `expected at most ${loginBytesMax} bytes`)

/** The settings of `resp`; `maxFrame` is the schema that protocols share. */
export function respSettingsWith(maxFrame: z.ZodType<number>) {
  return mapping({
    version: choice([2, 3])
      .default(2)
      .describe('3: connections begin with HELLO 3, and what the server pushes is counted as deliveries'),
    user: loginPart('a user').exactOptional().describe('The user to log in as; without it the password alone is sent'),
    password: loginPart('a password')
      .exactOptional()
      .describe('Connections log in with it before anything else; it is *** in every report'),
    database: integer(0, databaseMax).exactOptional().describe('The number of the database that connections select'),
    maxFrame,
  })
    .superRefine(({ user, password }, context) => {
      if (user === undefined || password !== undefined) return
      context.addIssue({ code: 'custom', path: ['user'], message: 'needs a password beside it' })
    })
    .transform(
      ({ version, ...settings }): ProtocolSpec => ({ name: 'resp', ...(version === 3 && { version }), ...settings }),
    )
}
