import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from '../../harness/built.ts'
import { messageOf } from '../../harness/errors.ts'

const compileMsMax = 60_000
const programs = { echoServer: 'echo-server', echoClient: 'echo-client', pingPong: 'ping-pong' } as const

/** Paths of the compiled C programs. */
export type Limit = Readonly<Record<keyof typeof programs, string>>

/** Compiles the C programs into a folder; returns the reason if there is no compiler or it fails. */
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

/** The output of the C client. */
export interface EchoClientResult {
  readonly requests: number
  readonly seconds: number
  readonly userSeconds: number
  readonly systemSeconds: number
}

/** The output of the C ping-pong. */
export interface PingPongResult {
  readonly requests: number
  readonly seconds: number
  readonly p50Micros: number
  readonly p99Micros: number
}

/** Parses the line of JSON that a C program prints; throws if it is not JSON. */
export function parseResult<Result>(text: string): Result {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`expected a line of JSON, got "${text.slice(0, 80)}"`)
  }
}
