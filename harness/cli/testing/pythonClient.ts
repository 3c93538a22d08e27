import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from '../../built.ts'
import { skipWithout } from './programs.ts'

const clientMsMax = 25_000

/** Runs a client of this folder that is written in Python, against the port of a URL; returns what it prints at its end. */
export async function runPythonClient<Result>(
  skip: (why: string) => void,
  script: string,
  url: string,
  ...args: string[]
): Promise<Result> {
  skipWithout('python3', '--version', 'python3', skip)
  const file = join(packageRoot, 'harness/cli/testing', script)
  const options = { timeout: clientMsMax, killSignal: 'SIGKILL' } as const
  const { stdout } = await promisify(execFile)('python3', [file, new URL(url).port, ...args], options)
  return JSON.parse(stdout) as Result
}
