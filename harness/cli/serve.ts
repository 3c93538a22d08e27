import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Command } from 'commander'
import { builtFile } from '../built.ts'
import { type ExitCode, exitCode, UserError } from '../errors.ts'
import type { CommandIo, OutputStream } from './io.ts'
import { serverVariableFaults } from './variables.ts'

/** `volley serve`: a reference server in the foreground, or with --detach in the background; stop, reload and status for the latter. */
export function addServe(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('serve')
    .description(
      'start a reference server: echo, tlv, rpc, broadcast or http; start a relay; or stop, reload or show the status of a server in the background; "volley serve tlv --help" lists the options of tlv',
    )
    .argument('<target>', 'echo, tlv, rpc, broadcast, http or relay; stop, reload or status')
    .argument(
      '[options...]',
      'options of the server, such as --listen 127.0.0.1:8080 or --detach; or the server to stop, reload or show',
    )
    .allowUnknownOption()
    .helpOption(false)
    .action(async (target: string, options: string[]) => done(await serve([target, ...options], io)))
}

/** Runs the server as a child that uses our streams, in its own process group: each signal reaches it once, through us. */
async function serve(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const misspelt = serverVariableFaults(io.env)
  if (misspelt.length > 0) throw new UserError(misspelt)
  const child = spawn(process.execPath, [builtFile('targets/main'), ...args], {
    stdio: [
      io.stdin === process.stdin ? 'inherit' : 'ignore',
      sinkOf(io.stdout, process.stdout),
      sinkOf(io.stderr, process.stderr),
      'ipc',
    ],
    detached: true,
    env: { ...io.env },
  })
  child.stdout?.on('data', bytes => io.stdout.write(String(bytes)))
  child.stderr?.on('data', bytes => io.stderr.write(String(bytes)))
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  process.on('SIGINT', forward)
  process.on('SIGTERM', forward)
  // To a server in the background SIGHUP says to reload; one in the foreground ends with its terminal.
  const hangUp = () => child.kill('SIGTERM')
  process.on('SIGHUP', hangUp)
  const [code] = await once(child, 'close')
  process.off('SIGINT', forward)
  process.off('SIGTERM', forward)
  process.off('SIGHUP', hangUp)
  if (code === 0) return exitCode.pass
  return code === exitCode.failed ? exitCode.failed : exitCode.couldNotRun
}

/** The child writes directly to this process's own streams, and through a pipe to any other. */
function sinkOf(stream: OutputStream, own: NodeJS.WriteStream): 'inherit' | 'pipe' {
  return stream === own ? 'inherit' : 'pipe'
}
