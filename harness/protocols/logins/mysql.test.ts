import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { createProtocol } from '../catalog.ts'
import { mysqlLogin } from './mysql.ts'
import { dialogue, type LoginServer } from './testing/dialogue.ts'
import { type MysqlBehaviour, MysqlServer, packet } from './testing/mysqlServer.ts'

const settings = { user: 'alice', password: 'pencil', database: 'shop' }
const native = 'mysql_native_password'
const sha2 = 'caching_sha2_password'

function logIn(behaviour: Partial<MysqlBehaviour>, given: Partial<typeof settings> = {}) {
  const server = new MysqlServer({ user: 'alice', password: 'pencil', plugin: native, ...behaviour })
  const login = mysqlLogin.logins({ ...settings, ...given }, behaviour.overUnixSocket === true)()
  return { ...dialogue(login, server), server }
}

/** How a login ends with a server that greets, and then says these in turn. */
function endOf(...messages: Uint8Array[]) {
  const greets = new MysqlServer({ user: 'alice', password: 'pencil', plugin: sha2 })
  const server: LoginServer = { greeting: () => greets.greeting(), received: () => messages.splice(0) }
  return dialogue(mysqlLogin.logins(settings, false)(), server).end
}

describe('a login to MySQL', () => {
  test.each<[string, Partial<MysqlBehaviour>, string, number]>([
    ['the native password', {}, `by ${native}`, 1],
    ['the native password after a change', { greets: sha2 }, `by ${native}`, 2],
    ['caching_sha2, known to the server', { plugin: sha2, isCached: true }, `by ${sha2}`, 1],
    ['caching_sha2 after a change', { plugin: sha2, greets: native, isCached: true }, `by ${sha2}`, 2],
    ['caching_sha2 in full, by the public key', { plugin: sha2 }, `by ${sha2}, with the password itself`, 3],
    [
      'caching_sha2 in full, over a unix socket',
      { plugin: sha2, overUnixSocket: true },
      `by ${sha2}, with the password itself`,
      2,
    ],
    ['a method first that is not known', { greets: 'client_ed25519' }, `by ${native}`, 1],
  ])('by %s', (_, behaviour, text, messages) => {
    const { end, sent, server } = logIn(behaviour)
    expect(end).toEqual({ kind: 'done', text: `logged in ${text}` })
    expect(sent).toHaveLength(messages)
    expect(server).toMatchObject({ user: 'alice', database: 'shop' })
    expect(Buffer.concat(sent).includes('pencil')).toBe(behaviour.overUnixSocket === true)
    // Only one packet ends a result.
    expect(server.flags & 0x100_0000).not.toBe(0)
  })

  test.each([native, sha2])('without a password by %s, and without a database', plugin => {
    const { end, server } = logIn({ plugin, password: '' }, { password: '', database: '' })
    expect(end).toEqual({ kind: 'done', text: 'logged in without a password' })
    expect(server.database).toBe('')
    expect(server.flags & 8).toBe(0)
  })

  test.each<[string, Partial<MysqlBehaviour>]>([
    ['native', {}],
    ['sha2, cached', { plugin: sha2, isCached: true }],
    ['sha2 in full', { plugin: sha2 }],
  ])('with a wrong password is refused, with the words of the server: %s', (_, behaviour) => {
    expect(logIn(behaviour, { password: 'pen' }).end).toEqual({
      kind: 'refused',
      text: "Access denied for user 'alice'@'localhost' (using password: YES) (1045, 28000)",
    })
  })

  test('hides the password as both methods do', () => {
    // Calculated with hashlib of Python.
    const answer = (plugin: string) => logIn({ plugin, isCached: true }).sent[0]!.toString('hex')
    expect(answer(native)).toContain('145279aebaa4562b3363b3e2c4329e2c19e8fb2797')
    expect(answer(sha2)).toContain('20a4768237b040eef7295d9c34845afb4d4adbf9571c705e77f616caa29fa4edc8')
  })

  test.each<[string, Uint8Array[], string]>([
    ['another method', [packet(2, 0xfe, 'client_ed25519\0', 'salt')], 'the server asks for client_ed25519; volley has'],
    ['the oldest method', [packet(2, 0xfe)], 'the server asks for mysql_old_password'],
    ['a short salt', [packet(2, 0xfe, `${native}\0`, 'short')], 'a salt of 5 bytes'],
    [
      'one change after another',
      [packet(2, 0xfe, `${native}\0`, Buffer.alloc(20)), packet(4, 0xfe, `${sha2}\0`, Buffer.alloc(20))],
      'once too often',
    ],
    [
      'a change after the password',
      [packet(2, 1, 4), packet(4, 0xfe, `${native}\0`, Buffer.alloc(20))],
      'once too often',
    ],
    ['an unknown state', [packet(2, 1, 9)], 'the state 9'],
    ['a key that is none', [packet(2, 1, 4), packet(4, 1, 'hello')], 'a public key that cannot be used'],
    ['rows', [packet(2, 3, 'def')], 'no part of a login'],
    ['an empty packet', [packet(2)], 'an empty packet'],
  ])('fails where a server sends %s', (_, messages, text) => {
    expect(endOf(...messages)).toEqual({ kind: 'failed', text: expect.stringContaining(text) })
  })

  test('fails where the server is too old to mark the end of its results', () => {
    expect(logIn({ isOld: true }).end).toEqual({
      kind: 'failed',
      text: 'the server is older than MySQL 5.7.5 and MariaDB 10.2',
    })
  })

  test('is refused where the server has an error instead of a greeting', () => {
    const server = {
      greeting: () => [packet(0, 0xff, Buffer.from([0x10, 0x04]), 'Too many connections')],
      received: () => [],
    }
    expect(dialogue(mysqlLogin.logins(settings, false)(), server).end).toEqual({
      kind: 'refused',
      text: 'Too many connections (1040)',
    })
  })

  test('throws nothing, and sends no more than four messages, whatever bytes come', () => {
    const [greeting] = new MysqlServer({ user: 'alice', password: 'pencil', plugin: sha2 }).greeting()
    const bytes = fc.uint8Array({ maxLength: 60 })
    const likely = fc.tuple(fc.constantFrom(0, 1, 0xfe, 0xff), bytes).map(([first, rest]) => packet(1, first, rest))
    const cut = fc.nat(greeting!.length).map(length => packet(0, greeting!.subarray(4, length)))
    fc.assert(
      fc.property(fc.oneof(cut, fc.constant(greeting!)), fc.array(fc.oneof(bytes, likely)), (first, given) => {
        const login = mysqlLogin.logins(settings, false)()
        const acts = [undefined, first, ...given].map(message => login.next(message))
        expect(acts.filter(({ kind }) => kind === 'send').length).toBeLessThanOrEqual(4)
      }),
      { numRuns: propertyRuns },
    )
  })

  test('has a format that cuts its packets', () => {
    const protocol = createProtocol(mysqlLogin.format)
    expect(protocol.frameEnd(packet(0, 'abc'), 0, 7, 0)).toBe(7)
  })
})
