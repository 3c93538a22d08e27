import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { createProtocol } from '../catalog.ts'
import { postgresLogin } from './postgres.ts'
import { iterationsMax, SaltedPasswords, ScramExchange } from './scram.ts'
import { dialogue, type LoginServer } from './testing/dialogue.ts'
import { ask, message, type PostgresBehaviour, PostgresServer } from './testing/postgresServer.ts'

const settings = { user: 'alice', password: 'pencil', database: 'shop' }
const methods = ['trust', 'password', 'md5', 'scram-sha-256'] as const

function logIn(behaviour: Partial<PostgresBehaviour>, given: Partial<typeof settings> = {}) {
  const server = new PostgresServer({ method: 'trust', user: 'alice', password: 'pencil', ...behaviour })
  return { ...dialogue(postgresLogin.logins({ ...settings, ...given }, false)(), server), server }
}

/** A server that says this, whatever it gets. */
const saying = (...messages: Uint8Array[]): LoginServer => ({
  greeting: () => [],
  received: () => messages.splice(0),
})

const endOf = (...messages: Uint8Array[]) => dialogue(postgresLogin.logins(settings, false)(), saying(...messages)).end

describe('a login to PostgreSQL', () => {
  test.each([
    ['trust', 'logged in without a password', 1],
    ['password', 'logged in with the password in clear text', 2],
    ['md5', 'logged in by MD5', 2],
    ['scram-sha-256', 'logged in by SCRAM-SHA-256', 3],
  ] as const)('by %s is done when the server is ready', (method, text, messages) => {
    const { end, sent, server } = logIn({ method })
    expect(end).toEqual({ kind: 'done', text })
    expect(sent).toHaveLength(messages)
    expect(server.parameters).toMatchObject({ user: 'alice', database: 'shop' })
    // The password itself is sent only where the server asks for it.
    expect(Buffer.concat(sent).includes('pencil')).toBe(method === 'password')
  })

  test('names no database where none is set: the server takes that of the user', () => {
    expect(logIn({}, { database: '' }).server.parameters).not.toHaveProperty('database')
  })

  test.each(methods.slice(1))('by %s with a wrong password is refused, with the words of the server', method => {
    expect(logIn({ method }, { password: 'pen' }).end).toEqual({
      kind: 'refused',
      text: 'password authentication failed for user "alice" (28P01)',
    })
  })

  test('hides the password as md5 does', () => {
    // Calculated with hashlib of Python.
    const { sent } = logIn({ method: 'md5', user: 'user' }, { user: 'user' })
    expect(sent[1]!.toString('latin1')).toBe('p\0\0\0(md54376eb6913b38f9aaff38dc7cf19ca76\0')
    expect(createHash('md5').update('').digest('hex')).toBe('d41d8cd98f00b204e9800998ecf8427e')
  })

  test.each([
    ['does not know the password', { cannotSign: true }, 'its SCRAM signature is wrong'],
    ['leaves out its signature', { skipsSignature: true }, 'accepted without proof'],
    ['asks for too many iterations', { iterations: 2 ** 31 }, 'at most 1,000,000 are done'],
  ])('fails where a server %s', (_, behaviour, text) => {
    const { end } = logIn({ method: 'scram-sha-256', ...behaviour })
    expect(end.kind).toBe('failed')
    expect(end).toHaveProperty('text', expect.stringContaining(text))
  })

  test.each([
    ['GSSAPI', [ask(7)], 'the server asks for GSSAPI; volley has trust'],
    ['a method of later', [ask(99)], 'the server asks for login method 99'],
    ['channel binding alone', [ask(10, 'SCRAM-SHA-256-PLUS\0\0')], 'asks for SCRAM-SHA-256-PLUS; volley has'],
    ['the password twice', [ask(3), ask(3)], 'for the second time'],
    ['a salt that is cut off', [ask(5, 'ab')], 'without a salt'],
    ['a challenge unasked', [ask(11, 'r=a,s=YQ==,i=1')], 'not asked for'],
    ['another nonce', [ask(10, 'SCRAM-SHA-256\0\0'), ask(11, 'r=other,s=YQ==,i=1')], 'nonce'],
    ['nonsense', [ask(10, 'SCRAM-SHA-256\0\0'), ask(11, 'hello')], 'not as in RFC 5802'],
    ['readiness at once', [message('Z', 'I')], 'before it has accepted'],
    ['rows', [ask(0), message('D', '')], 'no part of a login'],
    ['a message without a number', [message('R', '')], 'without a number'],
  ])('fails where a server sends %s', (_, messages, text) => {
    expect(endOf(...messages)).toEqual({ kind: 'failed', text: expect.stringContaining(text) })
  })

  test('is refused by an error before the login and after it', () => {
    const error = message('E', 'SFATAL\0C3D000\0Mdatabase "x" does not exist\0\0')
    const refused = { kind: 'refused', text: 'database "x" does not exist (3D000)' }
    expect(endOf(error)).toEqual(refused)
    expect(endOf(ask(0), message('S', 'a\0b\0'), error)).toEqual(refused)
    expect(endOf(message('E', ''))).toEqual({ kind: 'refused', text: 'an error without a message' })
  })

  test('throws nothing, and sends no more than three messages, whatever bytes come', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 })
    const asks = fc.tuple(fc.constantFrom(0, 3, 5, 10, 11, 12), fc.uint8Array({ maxLength: 40 }))
    const likely = fc.array(
      asks.map(([method, rest]) => ask(method, rest)),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(fc.oneof(messages, likely), given => {
        const login = postgresLogin.logins(settings, false)()
        const acts = [undefined, ...given].map(bytes => login.next(bytes))
        expect(acts.filter(({ kind }) => kind === 'send').length).toBeLessThanOrEqual(3)
      }),
      { numRuns: propertyRuns },
    )
  })

  test('has a format that cuts its messages', () => {
    const protocol = createProtocol(postgresLogin.format)
    const bytes = Buffer.concat([ask(0), message('Z', 'I')])
    expect(protocol.frameEnd(bytes, 0, bytes.length, 0)).toBe(9)
    expect(protocol.frameEnd(bytes, 9, bytes.length, 0)).toBe(15)
  })
})

describe('SCRAM-SHA-256', () => {
  const passwords = new SaltedPasswords('pencil')
  const serverFirst = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'

  test('is that of RFC 7677', () => {
    const exchange = new ScramExchange(passwords, 'user', 'rOprNGfwEbeRWgbNEkqO')
    expect(exchange.first()).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
    expect(exchange.final(serverFirst)).toBe(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    )
    expect(() => exchange.verify('v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')).toThrow('signature is wrong')
    expect(exchange.isVerified).toBe(false)
    exchange.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
    expect(exchange.isVerified).toBe(true)
    expect(() => exchange.final(serverFirst)).toThrow('a second SCRAM challenge')
  })

  test('salts a password once for all connections', () => {
    const own = new SaltedPasswords('pencil')
    expect(own.of('W22ZaJ0SNY7soEsUEjb6gQ==', 4096)).toBe(own.of('W22ZaJ0SNY7soEsUEjb6gQ==', 4096))
    expect(own.of('W22ZaJ0SNY7soEsUEjb6gQ==', 4095)).not.toEqual(own.of('W22ZaJ0SNY7soEsUEjb6gQ==', 4096))
    expect(iterationsMax).toBeLessThanOrEqual(1_000_000)
  })

  test('prepares a password that is no ASCII', () => {
    const salted = (password: string) => new SaltedPasswords(password).of('YQ==', 1).toString('hex')
    expect(salted('a\u00a0b')).toBe(salted('a b'))
    expect(salted('I\u00adX')).toBe(salted('IX'))
    expect(salted('\u2168')).toBe(salted('IX'))
    expect(salted('\u00aa')).toBe(salted('a'))
  })
})
