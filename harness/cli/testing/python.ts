import { join } from 'node:path'
import { packageRoot } from '../../built.ts'
import { Program, skipWithout } from './programs.ts'

/** Starts a server of this folder that is written in Python; with the address that it listens on. */
export async function startPython(
  skip: (why: string) => void,
  script: string,
  ...args: string[]
): Promise<{ server: Program; address: string }> {
  skipWithout('python3', '--version', 'python3', skip)
  const server = new Program('python3', [join(packageRoot, 'harness/cli/testing', script), ...args])
  return { server, address: `tcp://127.0.0.1:${await server.says(/port (\d+)/)}` }
}

/** Runs a client of this folder that is written in Python to its end; returns what it has counted. */
export async function runPythonClient(
  skip: (why: string) => void,
  script: string,
  ...args: string[]
): Promise<Record<string, unknown>> {
  skipWithout('python3', '--version', 'python3', skip)
  const client = new Program('python3', [join(packageRoot, 'harness/cli/testing', script), ...args])
  return JSON.parse(await client.says(/^(\{.*\})$/m))
}

/** Ends the server; returns what it counted, as it prints at its end. */
export async function countsOf(server: Program): Promise<Record<string, number>> {
  return JSON.parse((await server.end()).trim().split('\n').at(-1)!)
}
