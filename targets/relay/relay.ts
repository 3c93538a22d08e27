import { formatListen } from '../../harness/listenAddress.ts'
import { describeRelay } from '../../harness/relaySettings.ts'
import { serveForParent, serveUntilStopped } from '../process/lifecycle.ts'
import { relayLine } from './counters.ts'
import { relayCommand, relayOptions } from './options.ts'
import { startTcpRelay } from './tcp.ts'
import { startUdpRelay } from './udp.ts'
import { formatUpstream, resolveUpstream } from './upstream.ts'

/** `volley serve relay`: relays until it is to end; throws a UserError with what is wrong with the flags. */
export async function serveRelay(args: readonly string[]): Promise<number> {
  const command = relayCommand()
  command.parse(args, { from: 'user' })
  const { upstream, options, isQuiet } = relayOptions(command)
  const server = await resolveUpstream(upstream)
  const relay = server.scheme === 'udp' ? await startUdpRelay(server, options) : await startTcpRelay(server, options)
  const address = formatListen(relay.address, relay.scheme).replace('tcp://', '')
  const what = describeRelay(options.settings).join(', ')
  const output = {
    title: `relay listening on ${address}   to ${formatUpstream(upstream)}, ${what}`,
    quiet: isQuiet,
    line: relayLine,
    print: console.log,
    printError: console.error,
  }
  return process.send ? serveForParent(relay, output) : serveUntilStopped(relay, output)
}
