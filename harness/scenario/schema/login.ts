import { z } from 'zod'
import { mapping, wantedText } from '../../fields.ts'
import { list } from '../../invalidValue.ts'
import { isMapping } from '../../mapping.ts'
import { type LoginName, loginNames } from '../../protocols/logins/login.ts'
import { unknownWord } from '../../suggestion.ts'
import type { LoginStep } from '../scenario.ts'

const charactersMax = 256
const forms = `one of ${list(loginNames, 'and')}, such as { postgres: { user: me, password: \${PASSWORD}, database: mine } }`
const firstUsers: Readonly<Record<LoginName, string>> = { postgres: 'postgres', mysql: 'root' }

const credential = (what: string) =>
  z
    .string({ error: issue => wantedText(what, issue.input) })
    .max(charactersMax, `expected ${what} of at most ${charactersMax} characters`)
    .refine(value => !value.includes('\0'), `expected ${what} without NUL`)

/** A name is the same on every connection. */
const nameOf = (what: string) =>
  credential(what).refine(
    value => !value.includes('{{'),
    `expected ${what} without slots, which are not filled in here`,
  )

const settingsOf = (system: LoginName) =>
  mapping(
    {
      user: nameOf('a user').min(1, 'expected a user').prefault(firstUsers[system]),
      password: credential('a password').prefault(''),
      // PostgreSQL takes the one that is named as the user, MySQL none.
      database: nameOf('a database').prefault(''),
    },
    'a mapping with user, password and database',
  )

const settingsJson = {
  type: 'object',
  properties: {
    user: { type: 'string' },
    password: { type: 'string', description: 'Shown nowhere; none by default' },
    database: { type: 'string' },
  },
  additionalProperties: false,
}

/** A login to one of the known systems: its name alone, or with settings. */
export const loginSchema = z
  .unknown()
  .transform((input, context): LoginStep => {
    const given = typeof input === 'string' ? { [input]: {} } : input
    const [system, another] = isMapping(given) ? Object.keys(given) : []
    if (!isMapping(given) || system === undefined || another !== undefined) {
      context.addIssue({ code: 'custom', message: `expected ${forms}` })
      return z.NEVER
    }
    const known = loginNames.find(name => name === system)
    if (known === undefined) {
      context.addIssue({ code: 'custom', message: unknownWord('login', system, loginNames) })
      return z.NEVER
    }
    const result = settingsOf(known).safeParse(given[system] ?? {})
    if (result.success) return { [known]: result.data }
    for (const issue of result.error.issues) {
      context.addIssue({ ...issue, path: [known, ...issue.path] } as Parameters<typeof context.addIssue>[0])
    }
    return z.NEVER
  })
  .meta({
    anyOf: [
      { enum: [...loginNames] },
      {
        type: 'object',
        properties: Object.fromEntries(loginNames.map(name => [name, settingsJson])),
        additionalProperties: false,
      },
    ],
  })
