import { Command, CommanderError } from 'commander'
import { exitCode, UserError } from '../../harness/errors.ts'
import { layerNames, placeForms } from '../../harness/protocols/layers/settings.ts'
import { type OptionTexts, optionEntries } from '../../harness/serverOptions.ts'
import { formatSize } from '../../harness/units.ts'
import { type DaemonCommand, daemonCommands, runDaemonCommand } from '../process/daemonCommands.ts'
import { runtimeFolder } from '../process/runtimeFolder.ts'
import { maxSendBufferBytesDefault } from '../server/backpressure.ts'
import { unfinishedBytesMaxDefault } from '../server/tcp.ts'
import { addOptions, type CommandContext, configureCommand } from './commandOptions.ts'
import { serveRelay } from './relay.ts'
import { serve } from './serve.ts'
import { withVariables } from './variables.ts'

/** Runs `volley serve` with these arguments to its end; resolves with the exit code. */
export async function runServerCommand(args: readonly string[], context: CommandContext): Promise<number> {
  try {
    if (args[0] === 'relay') return await serveRelay(args.slice(1), context)
    const command = configureCommand(serverCommand(), context).parse(args, { from: 'user' })
    return await run(command, context)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.pass : exitCode.couldNotRun
    if (!(error instanceof UserError)) throw error
    context.stderr.write(`${error.message}\n`)
    return exitCode.couldNotRun
  }
}

async function run(command: Command, context: CommandContext): Promise<number> {
  const [name, argument] = command.args as [string, string?]
  const options = command.opts<OptionTexts>()
  if (isDaemonCommand(name)) {
    refuseOtherOptions(name, command)
    const { pidFile } = options
    const print = (line: string) => void context.stdout.write(`${line}\n`)
    const query = {
      name: argument,
      pidFile: pidFile === true ? undefined : pidFile,
      folder: runtimeFolder(context.env),
    }
    return runDaemonCommand(name, query, print)
  }
  if (argument !== undefined) throw new UserError(`unexpected "${argument}": ${name} takes options only`)
  return serve(name, withVariables(name, options, context.env), context)
}

function serverCommand(): Command {
  const command = new Command('volley serve')
    .description(
      'A reference server. SIGTERM stops it once every pending request is answered, after 60 s at the latest, and it prints how many requests were not; a second SIGTERM stops it at once. When nobody reads its lines any more, as in "volley serve tlv | head", it stops with the next one. "volley serve relay --help" explains the relay, which simulates a network.',
    )
    .argument('<server>', 'echo, tlv, rpc, broadcast, http or relay; or stop, reload or status')
    .argument('[name]', 'stop, reload, status: which server, such as tlv-8080, or tlv where there is only one')
  return addOptions(command, optionEntries.map(prefixed), notes).addHelpText('after', helpText)
}

/** Texts that --help adds to the descriptions of options. */
const notes: Readonly<Record<string, string>> = {
  maxFrame: `; incomplete messages of all connections may hold ${formatSize(unfinishedBytesMaxDefault)} of memory`,
  maxSendBuffer: ` (default: ${maxSendBufferBytesDefault})`,
  layers: `: ${layerNames.join(', ')}; ${placeForms}`,
}

/** An option whose description names the servers that have it and its environment variable. */
function prefixed([name, option]: (typeof optionEntries)[number]) {
  const { servers, variable, description } = option
  const owners = servers === undefined ? '' : `${servers.join(', ')}: `
  const hidden = variable === undefined ? '' : `; not in the list of processes if set as ${variable}`
  return [name, { ...option, description: `${owners}${description}${hidden}` }] as const
}

function isDaemonCommand(name: string): name is DaemonCommand {
  return (daemonCommands as readonly string[]).includes(name)
}

/** Only --pid-file goes with stop, reload and status: it says which server. */
function refuseOtherOptions(name: string, command: Command): void {
  const given = command.options.filter(option => command.getOptionValueSource(option.attributeName()) === 'cli')
  const others = given.filter(({ long }) => long !== '--pid-file')
  if (others.length > 0) {
    throw new UserError(others.map(({ long }) => ({ place: long!, message: `is not for ${name}` })))
  }
}

const helpText = `
VOLLEY_SERVE_KEY, VOLLEY_SERVE_LAYER_KEY and VOLLEY_SERVE_SECRET are used in place of --key, --layer-key and --secret. A
server that cannot use one ignores it, since it may have been exported for another server.

With --key each connection begins with a handshake of Volley's own, in TLV messages of reserved types: the client sends
type 0xfffffff0 (hello, empty); the server answers type 0xfffffff1 with 20 random bytes; the client sends type
0xfffffff2 with their HMAC-SHA1 under the key, 20 bytes; the server answers type 0xfffffff3 (welcome, empty).
A client that sends anything else, or has not finished within 5 s, gets type 0xfffffff4 with a text, and the
connection is closed. For clients that sign each message instead, there is --layers hmac-sha1:before.

With --group the first message of each connection is a login, of command type 9, with the body <group>:<secret> or
{"group": "...", "secret": "..."}; the server answers type 9 with {"access": {"token": "..."}}, a token of 32
hexadecimal digits that is different on each connection. A client that sends anything else, or has not logged in within
5 s, gets type 10 with a text, and the connection is closed.

With --detach the pid file is <server>-<port>.pid in $XDG_RUNTIME_DIR/volley, or in volley-<uid> below the folder for
temporary files, and the log file is beside it. "volley serve reload", or SIGHUP to the process in the pid file,
starts new processes, which load the program again. Once they listen, the old processes accept no more connections. They
serve their open connections until the clients close them or --reload-timeout is over, and then answer pending
requests, for 60 s at most. Until then old and new processes have a job pool each. The log file grows by a line a
second: move it away (logrotate) and reload.`
