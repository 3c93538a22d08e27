import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { type ExitCode, type Fault, messageOf, UserError } from '../errors.ts'
import { composeProtocol } from '../protocols/composed.ts'
import { checkLayers, placeForms, splitLayerNames } from '../protocols/layers/settings.ts'
import type { Protocol } from '../protocols/protocol.ts'
import { protocolSpec } from '../protocols/spec.ts'
import { webSocketUpgrade } from '../protocols/webSocketClient.ts'
import { datagramFaults } from '../scenario/checks/datagrams.ts'
import { hostDefault, hostOf, resolveProtocol } from '../scenario/resolve.ts'
import { settingValue } from '../scenario/setting.ts'
import { isDescribedUrl, isHttpUrl, isUrl } from '../scenario/url.ts'
import { chooseTransport, createTransport } from '../transports/catalog.ts'
import { firstToAccept } from '../transports/probe.ts'
import { parseAddress, resolveAddresses } from '../transports/resolve.ts'
import type { Address } from '../transports/transport.ts'
import { parseDuration } from '../units.ts'
import { Conversation, pipedEncoding } from './conversation.ts'
import type { CommandIo } from './io.ts'
import { walk } from './walk.ts'

const connectMsMax = 5000
const replyMs = { default: '5s', min: 10, max: 3_600_000 } as const
const insecureOverride = { origin: '--insecure', path: ['tls', 'insecure'], value: true } as const
const scenarioFileName = /\.ya?ml$/i

interface TalkFlags {
  readonly protocol: string
  readonly layers?: string
  readonly layerKey?: string
  readonly type?: string
  readonly key?: string
  readonly insecure?: true
  readonly timeout: string
  readonly wait: boolean
}

/** `volley talk`: sends each line of the input as a message, and shows the replies. */
export function addTalk(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('talk')
    .description(
      'type messages to a server and see its replies, q or Q quits; send the lines of a pipe, each after the reply to the one before; or go once through the steps of a scenario',
    )
    .argument(
      '<url | scenario>',
      'tcp://host:port, udp://host:port, tls://host:port or unix:/path; a scenario file; or a URL of HTTP or of a protocol by its name, such as ws://host',
    )
    .option(
      '--protocol <protocol>',
      "the protocol, by its name or with settings such as '{frame: {lengthBytes: 2}}'",
      'line',
    )
    .option('--type <n>', 'the type of the messages, for protocols that have one')
    .option('--key <key>', 'the key for the handshake of a TLV server of Volley')
    .option('--layers <names>', `the layers of message bodies, such as gzip,hmac-sha256; ${placeForms}`)
    .option('--layer-key <key>', 'the key for layers that need one')
    .option('--insecure', 'accept any certificate')
    .option(
      '--timeout <time>',
      'how long a reply may take that is waited for: in a pipe, and at the end of the input',
      replyMs.default,
    )
    .option('--no-wait', 'send the lines of a pipe at once, not each after the reply to the one before')
    .action(async (url: string, flags: TalkFlags, command: Command) => {
      if (isScenarioFile(url) || isHttpUrl(url) || isDescribedUrl(url)) {
        checkNoFlags(command, url)
        done(await walk(url, flags.insecure ? [insecureOverride] : [], io))
        return
      }
      const protocol = selectedProtocol(url, flags)
      const type = messageType(flags.type, protocol)
      const addresses = await resolveAddresses(parseAddress(url, flags.insecure ? { insecure: true } : {}))
      let address: Address
      try {
        address = await firstToAccept(addresses, connectMsMax)
      } catch (error) {
        throw new UserError(`cannot reach ${url}: ${messageOf(error)}`)
      }
      const isPrompting = io.stdin.isTTY === true
      // Bytes of a file or a pipe go out as they are: decoded as text, those that are no UTF-8 would be replaced.
      if (!isPrompting) io.stdin.setEncoding(pipedEncoding)
      const output = isPrompting ? (io.stderr as NodeJS.WriteStream) : undefined
      const conversation = new Conversation({
        transport: createTransport(chooseTransport('node', address).name, { address, links: 1 }),
        protocol,
        type,
        key: flags.key,
        ...(protocol.isUpgraded && { upgrade: webSocketUpgrade(hostOf({ address: url }) ?? hostDefault) }),
        lines: createInterface({ input: io.stdin, output, prompt: '>>> ' }),
        isPrompting,
        waits: flags.wait && !isPrompting,
        replyMs: timeoutMs(flags)!,
        io,
      })
      done(await conversation.run())
    })
}

function isScenarioFile(source: string): boolean {
  return !isUrl(source) && (scenarioFileName.test(source) || existsSync(source))
}

/** A scenario says all of it itself, and such a URL the protocol. */
function checkNoFlags(command: Command, source: string): void {
  const given = command.options.filter(option => command.getOptionValueSource(option.attributeName()) === 'cli')
  const isWrong = ({ long }: { readonly long?: string }) => !isUrl(source) || long !== '--insecure'
  const message = isHttpUrl(source)
    ? 'cannot be combined with an HTTP URL, which is requested once'
    : `cannot be combined with a ${isUrl(source) ? 'URL of a protocol by its name' : 'scenario file'}, which has it`
  const faults = given.filter(isWrong).map(({ long = '' }) => ({ place: long, message }))
  if (faults.length > 0) throw new UserError(faults)
}

/** The protocol that the flags select; a UserError has every conflict between them. */
function selectedProtocol(url: string, flags: TalkFlags): Protocol {
  const overUdp = url.startsWith('udp://')
  const spec = protocolSpec(settingValue(flags.protocol, '--protocol'))
  const faults: Fault[] = []
  const fault = (flag: string, message: string) => faults.push({ place: flag, message })
  const given = { names: splitLayerNames(flags.layers), key: flags.layerKey }
  const layers = checkLayers(given, spec, { layers: '--layers', key: '--layer-key' }, fault)
  if (overUdp) {
    const found = datagramFaults(spec, flags.key !== undefined)
    for (const [setting, message] of Object.entries(found)) fault(`--${setting}`, message)
  }
  if (timeoutMs(flags) === undefined)
    fault('--timeout', `expected a time from 10ms to 1h such as 5s, got "${flags.timeout}"`)
  if (faults.length > 0) throw new UserError(faults)
  const resolved = resolveProtocol({ protocol: spec, target: { address: url } })
  const protocol = composeProtocol({ ...resolved, ...(layers && { layers }) })
  if (flags.key !== undefined && protocol.keyHandshake === undefined) {
    throw new UserError(`--key: protocol ${protocol.name} has no handshake with a key; tlv has one`)
  }
  if (!flags.wait && protocol.endsConnection !== undefined) {
    throw new UserError(
      `--no-wait: with protocol ${protocol.name} each message waits, as a reply may end its connection`,
    )
  }
  return protocol
}

/** The time for a reply; undefined where the flag does not say one. */
function timeoutMs({ timeout }: TalkFlags): number | undefined {
  const time = parseDuration(timeout)
  return time !== undefined && time >= replyMs.min && time <= replyMs.max ? time : undefined
}

function messageType(text: string | undefined, protocol: Protocol): number | undefined {
  if (protocol.type === undefined) {
    if (text !== undefined) throw new UserError(`--type: messages of protocol ${protocol.name} have no type`)
    return undefined
  }
  const type = Number(text ?? 1)
  try {
    protocol.encode({ body: new Uint8Array(0), type })
    return type
  } catch (error) {
    throw new UserError(`--type: expected a whole number such as 1, got "${text}" (${messageOf(error)})`)
  }
}
