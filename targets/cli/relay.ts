import { formatEndpoint } from '../../harness/address.ts'
import { formatListen } from '../../harness/listenAddress.ts'
import { describeRelay } from '../../harness/relaySettings.ts'
import { serveForParent, serveUntilStopped } from '../process/lifecycle.ts'
import { relayTexts } from '../relay/counters.ts'
import { startRelay } from '../relay/relay.ts'

import { type CommandContext, configureCommand } from './commandOptions.ts'
import { relayCommand, relayOptions } from './relayFlags.ts'

/** `volley serve relay`: relays until it is stopped; throws a UserError that lists every fault of the flags. */
export async function serveRelay(args: readonly string[], context: CommandContext): Promise<number> {
  const command = configureCommand(relayCommand(), context).parse(args, { from: 'user' })
  const { upstream, options, isQuiet } = relayOptions(command.opts())
  const relay = await startRelay(upstream, options)
  const address = formatListen(relay.address, relay.scheme).replace('tcp://', '')
  const effects = describeRelay(options.settings).join(', ')
  const output = {
    title: `relay listening on ${address}   to ${formatEndpoint(upstream)}, ${effects}`,
    quiet: isQuiet,
    texts: relayTexts,
    print: (line: string) => void context.stdout.write(`${line}\n`),
    printError: (line: string) => void context.stderr.write(`${line}\n`),
  }
  return process.send ? serveForParent(relay, output) : serveUntilStopped(relay, output)
}
