import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../port.ts'
import { isRunning, Program, skipUnless, until } from './programs.ts'
import { inThisFolder, pythonWith } from './python.ts'
import { cleanUpWith, temporaryFolder } from './volley.ts'

type Skip = (why: string) => void

/** aiosmtpd with a sink behind it; its port. */
export async function startSmtp(skip: Skip): Promise<{ server: Program; port: number }> {
  const python = pythonWith('aiosmtpd.smtp')
  if (python === undefined && process.env['CI'] === 'true')
    throw new Error('aiosmtpd is not installed, and CI must have it')
  skipUnless(python !== undefined, 'aiosmtpd', 'python3-aiosmtpd', skip)
  const server = new Program(python!, inThisFolder('smtp_sink.py'))
  return { server, port: Number(await server.says(/port (\d+)/)) }
}

/** The server of pymodbus, which CI does not have; its port. */
export async function startPymodbus(skip: Skip): Promise<{ server: Program; port: number }> {
  const python = pythonWith('pymodbus.server')
  skipUnless(python !== undefined, 'pymodbus', 'python3-pymodbus', skip)
  const port = await freePort()
  const server = new Program(python!, [...inThisFolder('pymodbus_server.py'), `${port}`])
  await server.says(/port (\d+)/)
  return { server, port }
}

const rabbitStartMsMax = 90_000
const rabbitProgram = '/usr/lib/rabbitmq/bin/rabbitmq-server'

/** RabbitMQ with AMQP and STOMP; the port of each. CI does not have it: it takes half a minute to install and to start. */
export async function startRabbit(skip: Skip): Promise<{ amqp: number; stomp: number }> {
  skipUnless(existsSync(rabbitProgram), 'RabbitMQ', 'rabbitmq-server', skip)
  const folder = temporaryFolder()
  chmodSync(folder, 0o755)
  const [amqp, stomp, own, daemon] = [await freePort(), await freePort(), await freePort(), await freePort()]
  writeFileSync(join(folder, 'plugins'), '[rabbitmq_stomp].\n')
  writeFileSync(
    join(folder, 'rabbit.conf'),
    `listeners.tcp.1 = 127.0.0.1:${amqp}\nstomp.listeners.tcp.1 = 127.0.0.1:${stomp}\n`,
  )
  const env = {
    ...process.env,
    HOME: folder,
    RABBITMQ_NODENAME: `volley-${process.pid}@localhost`,
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbit.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_DIST_PORT: `${own}`,
    ERL_EPMD_PORT: `${daemon}`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
  }
  // The node starts a daemon that would outlive it, and would itself outlive the script that starts it: both are ended,
  // the node first, as cleaning up goes backwards.
  cleanUpWith(() => endDaemon(daemon))
  const server = new Program(rabbitProgram, [], { env })
  cleanUpWith(
    () => existsSync(env.RABBITMQ_PID_FILE) && endProcess(Number(readFileSync(env.RABBITMQ_PID_FILE, 'utf8'))),
  )
  await server.says(/Starting broker\.\.\. completed/, rabbitStartMsMax)
  return { amqp, stomp }
}

async function endProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  await until('the end of the node', () => !isRunning(pid))
}

/** Erlang's daemon ends when it is told to, once it knows of no nodes. */
async function endDaemon(port: number): Promise<void> {
  await until('the end of the daemon of Erlang', () => {
    spawnSync('epmd', ['-port', `${port}`, '-kill'])
    return spawnSync('epmd', ['-port', `${port}`, '-names']).status !== 0
  })
}
