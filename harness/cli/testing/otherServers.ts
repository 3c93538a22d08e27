import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../port.ts'
import { Program, skipWithout, until } from './programs.ts'
import { ask } from './redis.ts'
import { temporaryFolder } from './volley.ts'

type Skip = (why: string) => void

/** A memcached server; its port. */
export async function startMemcached(skip: Skip): Promise<number> {
  skipWithout('memcached', '-V', 'memcached', skip)
  const port = await freePort()
  new Program('memcached', ['-p', `${port}`, '-l', '127.0.0.1', '-u', 'nobody', '-U', '0'])
  await until('memcached', async () => /STAT pid/.test(await ask(port, 'stats').catch(() => '')))
  return port
}

/** What memcached has counted, by name. */
export async function memcachedCounts(port: number): Promise<Record<string, number>> {
  const stats = await ask(port, 'stats')
  return Object.fromEntries(
    [...stats.matchAll(/^STAT (\w+) (\d+)\r$/gm)].map(([, name, value]) => [name!, Number(value)]),
  )
}

/** Who may log in to a server. */
export interface Login {
  readonly user: string
  readonly password: string
}

/** A NATS server that is monitored over HTTP; the port of each. With a login it pings its clients after a second. */
export async function startNats(
  skip: Skip,
  login?: Login,
): Promise<{ port: number; counts: () => Promise<Record<string, number>> }> {
  skipWithout('nats-server', '--version', 'nats-server', skip)
  const [port, monitor] = [await freePort(), await freePort()]
  const config = join(temporaryFolder(), 'nats.conf')
  writeFileSync(config, 'ping_interval: "1s"\n')
  const flags = login === undefined ? [] : ['-c', config, '--user', login.user, '--pass', login.password]
  const server = new Program('nats-server', ['-a', '127.0.0.1', '-p', `${port}`, '-m', `${monitor}`, ...flags])
  await server.says(/Server is ready/)
  return {
    port,
    counts: async () => (await (await fetch(`http://127.0.0.1:${monitor}/varz`)).json()) as Record<string, number>,
  }
}

/** A mosquitto broker; its port, and how many packets of a kind it has received or sent. */
export async function startMosquitto(
  skip: Skip,
  login?: Login,
): Promise<{ port: number; received: (packet?: string) => Promise<number>; sent: (packet?: string) => number }> {
  skipWithout('mosquitto', '-h', 'mosquitto', skip)
  const port = await freePort()
  const folder = temporaryFolder()
  const config = join(folder, 'mosquitto.conf')
  const passwords = join(folder, 'passwords')
  if (login !== undefined) execFileSync('mosquitto_passwd', ['-b', '-c', passwords, login.user, login.password])
  const access = login === undefined ? 'allow_anonymous true' : `allow_anonymous false\npassword_file ${passwords}`
  writeFileSync(
    config,
    // As root, so that the broker may read the files of this folder.
    `listener ${port} 127.0.0.1\n${access}\nuser root\nset_tcp_nodelay true\nlog_type all\nsys_interval 1\n`,
  )
  const server = new Program('mosquitto', ['-c', config])
  await server.says(/mosquitto version .* running/)
  return {
    port,
    // Its log has a line for each packet.
    received: async (packet = 'PUBLISH') => server.output.split(`Received ${packet}`).length - 1,
    sent: (packet = 'PUBLISH') => server.output.split(`Sending ${packet}`).length - 1,
  }
}

/** dnsmasq with one zone; its port, and its log of queries. */
export async function startDnsmasq(skip: Skip): Promise<{ port: number; queries: () => number }> {
  skipWithout('dnsmasq', '--version', 'dnsmasq-base', skip)
  const port = await freePort()
  const flags = [
    '-k',
    '-C',
    '/dev/null',
    '-p',
    `${port}`,
    '--listen-address=127.0.0.1',
    '--bind-interfaces',
    '--no-resolv',
  ]
  const server = new Program('dnsmasq', [
    ...flags,
    '--no-hosts',
    '--log-queries',
    '--log-facility=-',
    '-u',
    'root',
    '--address=/volley.test/192.0.2.1',
  ])
  await server.says(/started, version/)
  return { port, queries: () => (server.output.match(/query\[A\]/g) ?? []).length }
}

const postgresFolders = '/usr/lib/postgresql'

/**
 * A PostgreSQL server that trusts this machine, or whom the lines of `hba` name before; its port, and what it counts.
 */
export async function startPostgres(
  skip: Skip,
  hba: readonly string[] = [],
): Promise<{ port: number; query: (sql: string) => Promise<string> }> {
  skipWithout('psql', '--version', 'postgresql', skip)
  const [version] = existsSync(postgresFolders) ? readdirSync(postgresFolders) : []
  if (version === undefined || process.getuid?.() !== 0) {
    skip('the PostgreSQL server is not installed, or this is not root')
    throw new Error('skipped')
  }
  const bin = join(postgresFolders, version, 'bin')
  const [uid, gid] = ['-u', '-g'].map(flag => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })))
  const folder = join(temporaryFolder(), 'postgres')
  mkdirSync(folder)
  chmodSync(join(folder, '..'), 0o755)
  chownSync(folder, uid!, gid!)
  const as = { uid: uid!, gid: gid!, cwd: folder }
  await promisify(execFile)(
    join(bin, 'initdb'),
    ['-D', join(folder, 'data'), '-A', 'trust', '-U', 'postgres', '--no-sync'],
    as,
  )
  const rules = join(folder, 'data', 'pg_hba.conf')
  if (hba.length > 0) writeFileSync(rules, `${hba.join('\n')}\n${readFileSync(rules, 'utf8')}`)
  const port = await freePort()
  const flags = [
    '-D',
    join(folder, 'data'),
    '-p',
    `${port}`,
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${folder}`,
  ]
  const server = new Program(join(bin, 'postgres'), [...flags, '-c', 'fsync=off', '-c', 'autovacuum=off'], as)
  await server.says(/ready to accept connections/)
  const query = async (sql: string) => {
    const { stdout } = await promisify(execFile)('psql', [
      '-h',
      '127.0.0.1',
      '-p',
      `${port}`,
      '-U',
      'postgres',
      '-Atc',
      sql,
    ])
    return stdout.trim()
  }
  return { port, query }
}

/** A MariaDB server; its port, and its answer to a statement, as text. CI does not install it. */
export async function startMariadb(skip: Skip): Promise<{ port: number; query: (sql: string) => Promise<string> }> {
  if (['mariadbd', 'mariadb', 'mariadb-install-db'].some(name => spawnSync(name, ['--version']).error !== undefined)) {
    console.warn('skipped: mariadbd is not installed ("apt-get install mariadb-server")')
    skip('mariadbd is not installed')
  }
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  const socket = join(folder, 'socket')
  const run = promisify(execFile)
  const install = ['--no-defaults', `--datadir=${data}`, '--user=root', '--skip-test-db', '--skip-name-resolve']
  await run('mariadb-install-db', [...install, '--auth-root-authentication-method=normal'])
  const port = await freePort()
  const flags = ['--no-defaults', `--datadir=${data}`, `--socket=${socket}`, `--port=${port}`, '--user=root']
  const server = new Program('mariadbd', [...flags, '--bind-address=127.0.0.1', '--skip-log-bin'])
  await server.says(/ready for connections/)
  const query = async (sql: string) => {
    const { stdout } = await run('mariadb', ['--no-defaults', `--socket=${socket}`, '-uroot', '-Ns', '-e', sql])
    return stdout.trim()
  }
  return { port, query }
}
