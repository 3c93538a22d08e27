import { afterEach, expect, test } from 'vitest'
import { startMariadb, startPostgres } from './testing/otherServers.ts'
import { until } from './testing/programs.ts'
import { cleanUp, run, scenarioFile, volley } from './testing/volley.ts'

afterEach(cleanUp)

const roles = ['trusted', 'plain', 'hashed', 'salted'] as const
const hba = [
  'host shop trusted 127.0.0.1/32 trust',
  'host shop plain 127.0.0.1/32 password',
  'host shop hashed 127.0.0.1/32 md5',
  'host shop salted 127.0.0.1/32 scram-sha-256',
]

test('PostgreSQL: trust, clear text, MD5 and SCRAM, and what it says to a wrong login', async ({ skip }) => {
  const { port, query } = await startPostgres(skip, hba)
  await query('CREATE DATABASE shop')
  for (const role of roles) {
    await query(
      `SET password_encryption = '${role === 'hashed' ? 'md5' : 'scram-sha-256'}'; CREATE ROLE ${role} LOGIN PASSWORD 'geheim ${role}'`,
    )
  }
  // Asked by way of another database, so that the question is no transaction of this one.
  const commits = async () => Number(await query("SELECT xact_commit FROM pg_stat_database WHERE datname = 'shop'"))
  const urlFor = (role: string, password = `geheim%20${role}`, database = 'shop') =>
    `postgres://${role}:${password}@127.0.0.1:${port}/${database}`
  for (const [index, role] of roles.entries()) {
    const before = await commits()
    const transport = index % 2 === 0 ? 'epoll' : 'node'
    const { code, report } = await run(urlFor(role), '-c', '2', '-n', '500', '--transport', transport)
    expect(report.totals).toMatchObject({ sent: 500, completed: 500, failures: {} })
    expect(code).toBe(0)
    expect(JSON.stringify(report)).not.toContain('geheim')
    // To log in is a transaction too.
    await until('the commits', async () => (await commits()) - before >= 502)
    expect((await commits()) - before).toBe(502)
  }

  for (const role of roles.slice(1)) {
    const { code, report, stdout } = await run(urlFor(role, 'wrong'), '--once')
    expect(report.totals).toMatchObject({ completed: 0, failures: { 'connect-refused': 1 } })
    expect(stdout).toContain(`password authentication failed for user \\"${role}\\"`)
    expect(code).not.toBe(0)
  }
  const unknown = await run(urlFor('postgres', '', 'none'), '--once')
  expect(unknown.stdout).toContain('database \\"none\\" does not exist (3D000)')

  const talk = await volley(
    'talk',
    scenarioFile(
      `name: s\ntarget: { address: "tcp://127.0.0.1:${port}" }\nprotocol: { postgres: { user: salted, password: geheim salted, database: shop } }\n`,
    ),
  )
  expect(talk.stdout).toContain('ok     connect[0]  "logged in by SCRAM-SHA-256"')
  expect(talk.stdout).toContain('1 of 1 step answered as expected')
  expect(talk.stdout + talk.stderr).not.toContain('geheim')

  const torture = await volley('torture', urlFor('salted'), '--only', 'glued-and-cut')
  expect(torture.stdout).toMatch(/glued-and-cut +pass +11 writes, 10 replies/)
  expect(torture.code).toBe(0)
})

test('MariaDB: a native password, and what it says to a wrong login', async ({ skip }) => {
  const { port, query } = await startMariadb(skip)
  await query("CREATE DATABASE shop; CREATE USER alice IDENTIFIED BY 'geheim'; GRANT ALL ON shop.* TO alice")
  const selects = async () => Number((await query("SHOW GLOBAL STATUS LIKE 'Com_select'")).split('\t')[1])
  for (const transport of ['epoll', 'node']) {
    const before = await selects()
    const url = `mysql://alice:geheim@127.0.0.1:${port}/shop`
    const { code, report } = await run(url, '-c', '2', '-n', '1000', '--transport', transport)
    expect(report.totals).toMatchObject({ sent: 1000, completed: 1000, failures: {} })
    expect(code).toBe(0)
    expect((await selects()) - before).toBe(1000)
  }
  const refused = await run(`mysql://alice:wrong@127.0.0.1:${port}/shop`, '--once')
  expect(refused.report.totals).toMatchObject({ completed: 0, failures: { 'connect-refused': 1 } })
  expect(refused.stdout).toContain("Access denied for user 'alice'@'localhost'")
  const unknown = await run(`mysql://alice:geheim@127.0.0.1:${port}/none`, '--once')
  expect(unknown.stdout).toContain('none')
  expect(unknown.report.totals).toMatchObject({ completed: 0, failures: { 'connect-refused': 1 } })
})
