import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Command } from 'commander'
import { builtFile } from '../built.ts'
import { type ExitCode, exitCode } from '../errors.ts'

/** `volley serve`: a reference server, in the foreground or with --detach in the background, and what is done with the latter. */
export function addServe(program: Command, done: (code: ExitCode) => void): void {
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
    .action(async (target: string, options: string[]) => done(await serve([target, ...options])))
}

/** Runs the server as a child with our streams, in a group of its own: each signal reaches it once, through us. */
async function serve(args: readonly string[]): Promise<ExitCode> {
  const child = spawn(process.execPath, [builtFile('targets/main'), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  })
  process.on('SIGINT', () => child.kill('SIGINT'))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [code] = await once(child, 'exit')
  if (code === 0) return exitCode.pass
  return code === exitCode.failed ? exitCode.failed : exitCode.couldNotRun
}
