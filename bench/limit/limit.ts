import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from '../../harness/built.ts'
import { messageOf } from '../../harness/errors.ts'

const compileMsMax = 60_000
const programs = { echoServer: 'echo-server', echoClient: 'echo-client', pingPong: 'ping-pong' } as const

/** Where the C programs stand once they are compiled. */
export type Limit = Readonly<Record<keyof typeof programs, string>>

/** Compiles the C programs into a folder; why there are none where the machine has no compiler or it refuses them. */
export async function compileLimit(folder: string): Promise<Limit | string> {
  const built: Record<string, string> = {}
  for (const [name, file] of Object.entries(programs)) {
    const source = join(packageRoot, 'bench/limit', `${file}.c`)
    built[name] = join(folder, file)
    try {
      await promisify(execFile)('cc', ['-O2', '-pthread', '-o', built[name], source], { timeout: compileMsMax })
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      return isMissing ? 'cc is not installed' : `cc does not compile ${file}.c: ${messageOf(error)}`
    }
  }
  return built as Limit
}

/** What the C client prints. */
export interface EchoClientResult {
  readonly requests: number
  readonly seconds: number
  readonly userSeconds: number
  readonly systemSeconds: number
}

/** What the C ping-pong prints. */
export interface PingPongResult {
  readonly requests: number
  readonly seconds: number
  readonly p50Micros: number
  readonly p99Micros: number
}

/** Reads the line of JSON that a C program prints; throws where it is none. */
export function parseResult<Result>(text: string): Result {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`expected a line of JSON, got "${text.slice(0, 80)}"`)
  }
}
