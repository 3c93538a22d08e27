import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Command } from 'commander'
import { builtFile } from '../built.ts'
import { type ExitCode, exitCode } from '../errors.ts'
import type { CommandIo, OutputStream } from './io.ts'

/** `volley serve`: a reference server, in the foreground or with --detach in the background, and what is done with the latter. */
export function addServe(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('serve')
    .description(
      'start a reference server: echo, tlv, rpc, broadcast or http; a relay; or stop, reload or status for one in the background; "volley serve tlv --help" tells the options',
    )
    .argument('<target>', 'echo, tlv, rpc, broadcast, http or relay; stop, reload or status')
    .argument(
      '[options...]',
      'options of the server, such as --listen 127.0.0.1:8080 or --detach; or which server is meant',
    )
    .allowUnknownOption()
    .helpOption(false)
    .action(async (target: string, options: string[]) => done(await serve([target, ...options], io)))
}

/** Runs the server as a child with our streams, in a group of its own: each signal reaches it once, through us. */
async function serve(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const child = spawn(process.execPath, [builtFile('targets/main'), ...args], {
    stdio: ['inherit', sinkOf(io.stdout, process.stdout), sinkOf(io.stderr, process.stderr), 'ipc'],
    detached: true,
  })
  child.stdout?.on('data', bytes => io.stdout.write(String(bytes)))
  child.stderr?.on('data', bytes => io.stderr.write(String(bytes)))
  process.on('SIGINT', () => child.kill('SIGINT'))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [code] = await once(child, 'close')
  if (code === 0) return exitCode.pass
  return code === exitCode.failed ? exitCode.failed : exitCode.couldNotRun
}

/** A child writes straight to a stream of ours; to any other by way of a pipe. */
function sinkOf(stream: OutputStream, own: NodeJS.WriteStream): 'inherit' | 'pipe' {
  return stream === own ? 'inherit' : 'pipe'
}
