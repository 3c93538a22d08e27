import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { packageRoot } from '../../built.ts'
import { cleanUpWith } from '../../cli/testing/volley.ts'
import type { TortureResult } from '../torture.ts'
import { scenarioOf, type TorturedOptions, tortured } from './tortured.ts'

/** Tortures a server with a fault, in a process of its own whose memory is watched. */
export async function torturedBroken(
  fault: string,
  options: TorturedOptions = {},
  { timeout = '5s', send = 'hello world' } = {},
): Promise<TortureResult> {
  const file = join(packageRoot, 'harness/torture/testing/broken.mjs')
  const child = spawn(process.execPath, [file, fault, '0'], { stdio: ['ignore', 'pipe', 'ignore'] })
  cleanUpWith(() => child.kill('SIGKILL'))
  const [port] = await once(child.stdout, 'data')
  const loaded = scenarioOf(
    `target: { address: "tcp://127.0.0.1:${Number(port)}" }\nprotocol: frame\ntimeout: ${timeout}\nloop: [{ send: ${send} }]\n`,
  )
  return tortured(loaded, { watched: { pid: child.pid!, group: false }, ...options })
}
