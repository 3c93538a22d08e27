import cluster from 'node:cluster'
import { Command, CommanderError, Option } from 'commander'
import { exitCode, UserError } from '../harness/errors.ts'
import { formatListen, type ListenAddress } from '../harness/listenAddress.ts'
import { layerNames } from '../harness/protocols/layers/settings.ts'
import { serviceTimeForms } from '../harness/serviceTime.ts'
import { formatSize } from '../harness/units.ts'
import { type Options, settingsOf } from './cli/settings.ts'
import { withoutForeignVariables } from './cli/variables.ts'
import { keepAwake } from './pool/pool.ts'
import { DaemonLog, isDaemon, launchDaemon, serveAsDaemon } from './process/daemon.ts'
import { type DaemonCommand, daemonCommands, runDaemonCommand } from './process/daemonCommands.ts'
import { serveForParent, serveUntilStopped, statsLine } from './process/lifecycle.ts'
import { serveAsWorker } from './process/workerProcess.ts'
import { startWorkers } from './process/workers.ts'
import { serveRelay } from './relay/relay.ts'
import { maxSendBufferBytesDefault } from './server/backpressure.ts'
import { startServer, unfinishedBytesMaxDefault } from './server/tcp.ts'
import { startUdpServer } from './server/udp.ts'

process.exit(await main())

async function main(): Promise<number> {
  const command = new Command('volley serve')
    .description(
      'A reference server; SIGTERM ends it once all that is in hand is answered, or after 60 s, when it says how many requests were not; a second one ends it at once. "volley serve relay --help" tells of the relay, which stands for a network.',
    )
    .argument('<server>', 'echo, tlv, rpc, broadcast, http or relay; or stop, reload or status')
    .argument(
      '[name]',
      'stop, reload, status: the server that is meant, such as tlv-8080, or tlv where there is but one',
    )
    .option(
      '-l, --listen <address>',
      'host:port, port, udp://host:port, or unix:/path; port 0 is a free one',
      '127.0.0.1:8080',
    )
    .option(
      '--protocol <name or JSON>',
      'echo: raw (default), line, frame; with settings as in a scenario, in JSON: {"rpc":{"lengthPrefix":false}}',
    )
    .option('--reply <text>', 'what to answer: echo, or this text (default: echo; http: Hello World!)')
    .option(
      '--max-frame <size>',
      `the longest message that is taken, such as 1MiB; those of all connections that are not whole yet may hold ${formatSize(unfinishedBytesMaxDefault)} of memory`,
    )
    .option(
      '--max-send-buffer <size>',
      `read no more from a connection while more than this waits to be sent to it; broadcast: drop it (default: ${maxSendBufferBytesDefault})`,
    )
    .option('--max-connections <n>', 'refuse connections beyond so many')
    .option(
      '--idle-timeout <duration>',
      'close a connection that sends nothing for so long, such as 15s, while it waits for no reply (default: never, as clients may pause); UDP: forget a client (default: 1m)',
    )
    .addOption(
      new Option(
        '--key <key>',
        'tlv: serve only those who show that they know the key; in the variable nobody who lists processes sees it',
      ).env('VOLLEY_SERVE_KEY'),
    )
    .option(
      '--layers <names>',
      `tlv, rpc, echo over frame: what bodies pass through, such as gzip,crc32: ${layerNames.join(', ')}`,
    )
    .addOption(
      new Option('--layer-key <key>', 'the key of those layers: hmac-sha1, hmac-sha256, aes-256-gcm').env(
        'VOLLEY_SERVE_LAYER_KEY',
      ),
    )
    .option(
      '--naive <bytes>',
      'echo: take each read of at most so many bytes for a message, as a server without framing does, and answer it with --reply (default: ok)',
    )
    .option('--group <id>', 'rpc: serve only the clients of this group, which log in with its secret')
    .addOption(
      new Option(
        '--secret <secret>',
        'rpc: the secret of the group; in the variable nobody who lists processes sees it',
      ).env('VOLLEY_SERVE_SECRET'),
    )
    .option('--shuffle <n>', 'rpc: answer in an order shuffled within n requests of a connection')
    .option(
      '--pool-size <n>',
      'serve so many requests at a time, the rest in one queue; or unlimited (default: 1); without --service-time each takes no time',
    )
    .option('--service-time <time>', `how long serving takes: ${serviceTimeForms}`)
    .option('--stall <stall>', 'serve nothing for 1s at the end of every 10s: 1s/10s; or for good: forever@54s')
    .option('--busy-wait', 'never sleep, so that no wake-up adds to a service time; takes a whole core')
    .option('--seed <n>', 'where the choices of --service-time and --shuffle start from', '1')
    .option('-w, --workers <n>', 'serve with so many processes, which share the address', '1')
    .option('-d, --detach', 'serve in the background, from where stop, reload and status reach it')
    .option('--pid-file <file>', 'with --detach, stop, reload, status: where its process id is kept')
    .option('--log-file <file>', 'with --detach: where its lines are appended; a reload opens the file anew')
    .option('--reload-timeout <duration>', 'how long an old process goes on with its connections (default: 30s)')
    .option('--reload-every <duration>', 'reload by itself, such as every 2s')
    .option('-q, --quiet', 'do not print a line every second')
    .addHelpText('after', helpText)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
  const [first, ...flags] = process.argv.slice(2)
  try {
    if (first === 'relay') return await serveRelay(flags)
    command.parse()
    const [name, meant] = command.args
    if (isDaemonCommand(name!)) {
      refuseOthers(name, command)
      return await runDaemonCommand(name, { name: meant, pidFile: command.opts<Options>().pidFile })
    }
    if (meant !== undefined) throw new UserError(`unexpected "${meant}": ${name} takes options only`)
    const isExported = (option: string) => command.getOptionValueSource(option) === 'env'
    return await serve(name!, withoutForeignVariables(name!, command.opts<Options>(), isExported))
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.pass : exitCode.couldNotRun
    if (!(error instanceof UserError)) throw error
    console.error(error.message)
    return exitCode.couldNotRun
  }
}

async function serve(name: string, options: Options): Promise<number> {
  const { maxFrame, workers, reloadTimeoutMs, reloadEveryMs, overUdp, ...settings } = settingsOf(name, options)
  const { detach = false, pidFile, logFile, quiet = false } = options
  // A process that is to be replaced is not the one that has the listening socket.
  const isAlone = workers === 1 && reloadEveryMs === undefined && !detach
  if (options.busyWait && (isAlone || cluster.isWorker)) keepAwake()
  if (cluster.isWorker) return serveAsWorker(() => startServer(settings))
  if (detach && !isDaemon) {
    console.log(await launchDaemon(name, settings.listen, { pidFile, logFile }))
    return exitCode.pass
  }
  const titleOf = (address: ListenAddress) => {
    const processes = workers === 1 ? '1 process' : `${workers} workers`
    const place = formatListen(address, overUdp ? 'udp' : 'tcp').replace('tcp://', '')
    return `${name} listening on ${place}   ${processes}, frames up to ${formatSize(maxFrame)}`
  }
  if (detach) {
    const log = new DaemonLog()
    cluster.setupPrimary({ silent: true })
    const server = await startWorkers({ count: workers, reloadTimeoutMs, reloadEveryMs, print: log.print })
    try {
      return await serveAsDaemon(server, { target: name, title: titleOf(server.address), quiet, pidFile, logFile }, log)
    } finally {
      await server.kill()
    }
  }
  const server = overUdp
    ? await startUdpServer(settings)
    : isAlone
      ? await startServer(settings)
      : await startWorkers({ count: workers, reloadTimeoutMs, reloadEveryMs, print: console.error })
  const output = {
    title: titleOf(server.address),
    quiet,
    line: statsLine,
    print: console.log,
    printError: console.error,
  }
  return process.send ? serveForParent(server, output) : serveUntilStopped(server, output)
}

function isDaemonCommand(name: string): name is DaemonCommand {
  return (daemonCommands as readonly string[]).includes(name)
}

/** Of the options only --pid-file says which server is meant. */
function refuseOthers(name: string, command: Command): void {
  const given = command.options.filter(option => command.getOptionValueSource(option.attributeName()) === 'cli')
  const others = given.filter(({ long }) => long !== '--pid-file')
  if (others.length > 0)
    throw new UserError(others.map(({ long }) => ({ place: long!, message: `is not for ${name}` })))
}

function helpText(): string {
  return `
VOLLEY_SERVE_KEY, VOLLEY_SERVE_LAYER_KEY and VOLLEY_SERVE_SECRET stand for --key, --layer-key and --secret; a server that
has no use for one takes no notice of it, as it may have been exported for another.

With --key each connection begins with a handshake, in TLV messages of reserved types: the client sends type
0xfffffff0 (hello, empty); the server answers type 0xfffffff1 with 20 random bytes; the client sends type
0xfffffff2 with their HMAC-SHA1 under the key, 20 bytes; the server answers type 0xfffffff3 (welcome, empty).
To anything else, and to whoever is not done within 5 s, it answers type 0xfffffff4 with a text, and closes.

With --group the first message of each connection is a login, of command type 9, with the body <group>:<secret> or
{"group": "...", "secret": "..."}; the server answers type 9 with {"access": {"token": "..."}}, a token of 32 hexadecimal
digits that no other connection has. To anything else, and to whoever has not logged in within 5 s, it answers type 10
with a text, and closes.

With --detach the pid file is <server>-<port>.pid in $XDG_RUNTIME_DIR/volley, or in volley-<uid> below the folder for
temporary files, and the log file lies beside it. "volley serve reload", or SIGHUP to the process in the pid file,
starts new processes, which load the program anew; once they listen the old ones take no more connections, and
serve those they have until their clients end them or --reload-timeout is over, and then answer what is in hand, for
60 s at most. Meanwhile old and new ones have a job pool each. The log file grows by a line a
second: move it aside (logrotate) and reload.`
}
