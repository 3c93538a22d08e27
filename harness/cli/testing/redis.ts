import { once } from 'node:events'
import net from 'node:net'
import { freePort } from '../../port.ts'
import { Program, skipWithout } from './programs.ts'
import { temporaryFolder } from './volley.ts'

/** The reply of Redis to one command, up to the first pause. */
export async function ask(port: number, command: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', chunk => {
    text += chunk
    if (/\r\n$/.test(text)) socket.end()
  })
  socket.write(`${command}\r\n`)
  await once(socket, 'close')
  return text
}

/** A Redis server with these flags besides its own; its port. */
export async function startRedis(skip: (why: string) => void, more: readonly string[] = []): Promise<number> {
  skipWithout('redis-server', '--version', 'redis-server', skip)
  const port = await freePort()
  const folder = temporaryFolder()
  const flags = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...more]
  await new Program('redis-server', flags).says(/Ready to accept connections/)
  return port
}

/** All commands that Redis has counted so far, except the one that asks. */
export async function commandsOf(port: number): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await ask(port, 'INFO stats'))![1])
}

/** Redis' own count of one command. */
export function callsOf(stats: string, command: string): number {
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+),`).exec(stats)?.[1] ?? 0)
}
