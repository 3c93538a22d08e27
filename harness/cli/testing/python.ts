import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from '../../built.ts'
import { Program, skipWithout } from './programs.ts'

const clientMsMax = 25_000

/** The arguments that run a script of this folder, which leaves no compiled modules behind in it. */
export function inThisFolder(script: string): string[] {
  return ['-B', join(packageRoot, 'harness/cli/testing', script)]
}

/** Starts a server of this folder that is written in Python; with the address that it listens on. */
export async function startPython(
  skip: (why: string) => void,
  script: string,
  ...args: string[]
): Promise<{ server: Program; address: string }> {
  skipWithout('python3', '--version', 'python3', skip)
  const server = new Program('python3', [...inThisFolder(script), ...args])
  return { server, address: `tcp://127.0.0.1:${await server.says(/port (\d+)/)}` }
}

/** The interpreter that has a module: that of the system has those of its packages. Undefined where none has it. */
export function pythonWith(module: string): string | undefined {
  return ['python3', '/usr/bin/python3'].find(python => spawnSync(python, ['-c', `import ${module}`]).status === 0)
}

/** Runs a client of this folder that is written in Python to its end; returns what it prints there. */
export async function runPythonClient<Result>(
  skip: (why: string) => void,
  script: string,
  ...args: string[]
): Promise<Result> {
  skipWithout('python3', '--version', 'python3', skip)
  return runScript('python3', script, ...args)
}

/** The same with another interpreter. */
export async function runScript<Result>(interpreter: string, script: string, ...args: string[]): Promise<Result> {
  const options = { timeout: clientMsMax, killSignal: 'SIGKILL' } as const
  const { stdout } = await promisify(execFile)(interpreter, [...inThisFolder(script), ...args], options)
  return JSON.parse(stdout) as Result
}

/** Ends the server; returns what it counted, as it prints at its end. */
export async function countsOf(server: Program): Promise<Record<string, number>> {
  return JSON.parse((await server.end()).trim().split('\n').at(-1)!)
}
