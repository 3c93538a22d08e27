import { describe, expect, test } from 'vitest'
import { parseScenario, scenarioFromUrl } from '../load.ts'
import { parseSet } from '../setting.ts'
import { faultLines, faultsIn } from '../testing/faults.ts'

const frame = 'protocol: { frame: [ { type: char }, { length: u32, counts: itself }, body ] }'

const scenarioWith = (login: string, more = '', protocol = frame) =>
  `name: s\ntarget: { address: "tcp://h:1" }\n${protocol}\nloop: [ { send: hi } ]\nconnect: [ { login: ${login} } ]\n${more}`
const load = (text: string, environment = {}, ...sets: string[]) =>
  parseScenario(text, 's.yaml', sets.map(parseSet), environment)
const faultsOf = (...given: Parameters<typeof scenarioWith>) => faultsIn(scenarioWith(...given))

describe('a login in a scenario', () => {
  test('has settings of its own, and others where they are not set', () => {
    const loginOf = (login: string) => load(scenarioWith(login)).scenario.connect[0]
    const step = { send: '', think: 0 }
    expect(loginOf('postgres')).toEqual({
      ...step,
      login: { postgres: { user: 'postgres', password: '', database: '' } },
    })
    expect(loginOf('{ mysql: { database: shop } }')).toEqual({
      ...step,
      login: { mysql: { user: 'root', password: '', database: 'shop' } },
    })
    expect(loginOf('{ mysql: { user: a, password: 007 } }')?.login?.mysql?.password).toBe('007')
  })

  test.each([
    ['oracle', '21 connect[0].login: unknown login "oracle"; known logins: postgres and mysql'],
    ['postgre', '21 connect[0].login: unknown login "postgre"; did you mean "postgres"?'],
    ['5', '21 connect[0].login: expected one of postgres and mysql, such as'],
    ['{ postgres: {}, mysql: {} }', '21 connect[0].login: expected one of postgres and mysql, such as'],
    ['{ postgres: 5 }', '33 connect[0].login.postgres: expected a mapping with user, password and database, got 5'],
    ['{ postgres: { usr: a } }', '35 connect[0].login.postgres: unknown key "usr"; did you mean "user"?'],
    ['{ postgres: { user: 5 } }', '41 connect[0].login.postgres.user: expected a user, got 5 (in quotes it is text)'],
    ['{ postgres: { user: "" } }', '41 connect[0].login.postgres.user: expected a user, got ""'],
    [
      '{ postgres: { database: "{{data.db}}" } }',
      '45 connect[0].login.postgres.database: expected a database without slots, which are not filled in here, got "{{data.db}}"',
    ],
  ])('is refused with its place: %s', (login, fault) => {
    expect(faultsOf(login)).toEqual([expect.stringContaining(`s.yaml:5:${fault}`)])
  })

  test('stands alone, once, and in connect', () => {
    expect(faultsIn(scenarioWith('mysql').replace('login: mysql', 'login: mysql, send: a, expect: echo'))).toEqual([
      expect.stringContaining('connect[0]: expected login alone, got login, send and expect'),
    ])
    expect(faultsIn(scenarioWith('mysql').replace('{ login: mysql }', '{ login: mysql }, { login: mysql }'))).toEqual([
      expect.stringContaining('connect[1].login: a connection logs in once'),
    ])
    expect(faultsIn(scenarioWith('mysql').replace('{ send: hi }', '{ send: hi }, { login: mysql }'))).toContainEqual(
      expect.stringContaining('loop[1]: unknown key "login"'),
    )
    expect(faultsIn(scenarioWith('mysql').replace('{ login: mysql }', '{}'))).toEqual([
      expect.stringContaining(
        'connect[0]: expected a step with send, or expect for what the server says by itself, or login',
      ),
    ])
  })

  test('is refused where it cannot work', () => {
    expect(faultsOf('mysql', '', 'protocol: line')).toEqual([
      expect.stringContaining('connect[0].login: needs protocol frame'),
    ])
    const withIds = 'protocol: { frame: [ { length: u32 }, { id: u32 }, body ] }'
    expect(faultsOf('mysql', '', withIds)).toEqual([
      expect.stringContaining('connect[0].login: needs replies in order, and those of this protocol have ids'),
    ])
    expect(faultsOf('mysql', 'layers: [gzip]\n').join()).toContain('connect[0].login: cannot be combined with layers')
    expect(faultsIn(scenarioWith('mysql').replace('tcp:', 'udp:')).join()).toContain(
      'connect[0].login: needs a connection, and over UDP there is none',
    )
  })
})

describe('the password of a login', () => {
  const masked = { postgres: { user: 'a', password: '***', database: '' } }
  test.each([
    ['in the file', scenarioWith('{ postgres: { user: a, password: geheim } }'), {}, []],
    [
      'from the environment',
      scenarioWith('{ postgres: { user: a, password: "${PASSWORD}" } }'),
      { PASSWORD: 'geheim' },
      [],
    ],
    ['from a flag', scenarioWith('{ postgres: { user: a } }'), {}, ['connect[0].login.postgres.password=geheim']],
    [
      'as a setting of the description',
      'name: s\ntarget: { address: "tcp://h:1" }\nprotocol: { postgres: { user: a, password: geheim } }\n',
      {},
      [],
    ],
  ])('is shown nowhere: %s', (_, text, environment, sets) => {
    const { scenario, redacted, secrets } = load(text, environment, ...sets)
    expect(scenario.connect[0]!.login!.postgres!.password).toBe('geheim')
    expect(redacted.connect[0]!.login).toEqual(masked)
    expect(JSON.stringify(redacted)).not.toContain('geheim')
    expect(secrets.values).toContain('geheim')
  })

  test('is shown in no fault', () => {
    const long = 'geheim'.repeat(60)
    expect(faultsOf(`{ postgres: { password: ${long} } }`).join()).not.toContain('geheimgeheim')
    expect(faultsOf(`{ postgres: { password: ${long} } }`).join()).toContain('of at most 256 characters')
  })

  test('stays text where it looks like a number', () => {
    const { scenario } = load('name: s\ntarget: { address: "tcp://h:1" }\nprotocol: { mysql: { password: 0123 } }\n')
    expect(scenario.connect[0]!.login!.mysql!.password).toBe('0123')
  })
})

describe('a URL of a database', () => {
  test('has the user, the password and the database', () => {
    for (const scheme of ['postgres', 'postgresql']) {
      const { scenario, redacted, secrets } = scenarioFromUrl(`${scheme}://al%40ice:ge%3Aheim@db.test/my%20shop`, [])
      expect(scenario.target).toEqual({ address: 'tcp://db.test:5432' })
      expect(scenario.connect[0]!.login).toEqual({
        postgres: { user: 'al@ice', password: 'ge:heim', database: 'my shop' },
      })
      expect(JSON.stringify(redacted)).not.toContain('heim')
      expect(secrets.values).toContain('ge:heim')
    }
    expect(scenarioFromUrl('mysql://db.test', []).scenario.connect[0]!.login).toEqual({
      mysql: { user: 'root', password: '', database: '' },
    })
  })

  test('has no parameters', () => {
    expect(faultLines(() => scenarioFromUrl('postgres://a:geheim@h/db?sslmode=require', []))).toEqual([
      'postgres://h/db?sslmode=require expected postgres://user:password@host:port/database without parameters, of which none is read, got "/db?sslmode=require"',
    ])
  })
})
