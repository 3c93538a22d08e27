import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { parseAddress, probe, resolveAddress } from '../engine/address.ts'
import { type ExitCode, exitCode, messageOf, UserError } from '../errors.ts'
import { createProtocol } from '../protocols/catalog.ts'
import { Leftovers } from '../protocols/framing.ts'
import { type Message, type Protocol, tooLarge } from '../protocols/protocol.ts'
import { protocolSpec } from '../protocols/spec.ts'
import { settingValue } from '../scenario/setting.ts'
import { DirectSocket } from '../socket.ts'
import { connectOptions } from '../transports/node.ts'
import type { Address } from '../transports/transport.ts'

/** How long replies are waited for after the last message. */
const lastRepliesMs = 2000
const readBufferBytes = 64 * 1024
const connectMsMax = 5000

interface TalkFlags {
  readonly protocol: string
  readonly type?: string
  readonly key?: string
  readonly insecure?: true
}

/** `volley talk`: type a message, see the reply. */
export function addTalk(program: Command, done: (code: ExitCode) => void): void {
  program
    .command('talk')
    .description('type messages to a server and see its replies; q leaves')
    .argument('<url>', 'tcp://host:port, tls://host:port or unix:/path')
    .option('--protocol <protocol>', "a name, or settings as in '{frame: {lengthBytes: 2}}'", 'line')
    .option('--type <n>', 'the type of the messages, where the protocol has one')
    .option('--key <key>', "the key for the protocol's own handshake (tlv)")
    .option('--insecure', 'take any certificate')
    .action(async (url: string, flags: TalkFlags) => {
      const protocol = createProtocol(protocolSpec(settingValue(flags.protocol, '--protocol')))
      const type = messageType(flags.type, protocol)
      if (flags.key !== undefined && protocol.keyHandshake === undefined) {
        throw new UserError(`--key: protocol ${protocol.name} has no handshake with a key; tlv has one`)
      }
      if (url.startsWith('udp://')) throw new UserError(`talk speaks over tcp://, tls:// and unix:, not over ${url}`)
      const address = await resolveAddress(parseAddress(url, flags.insecure ? { insecure: true } : {}))
      try {
        await probe(address, AbortSignal.timeout(connectMsMax))
      } catch (error) {
        throw new UserError(`cannot reach ${url}: ${messageOf(error)}`)
      }
      done(await talk(address, protocol, { type, key: flags.key }))
    })
}

interface TalkSettings {
  readonly type: number | undefined
  readonly key: string | undefined
}

async function talk(address: Address, protocol: Protocol, { type, key }: TalkSettings): Promise<ExitCode> {
  const leftovers = new Leftovers()
  const buffer = new Uint8Array(readBufferBytes)
  const prompting = process.stdin.isTTY === true
  const lines = createInterface({
    input: process.stdin,
    output: prompting ? process.stderr : undefined,
    prompt: '>>> ',
  })
  /** Messages of the handshake still to be answered; until then no line is read. */
  let strange = key === undefined ? 0 : 2
  if (strange > 0) lines.pause()
  /** Lengths of the requests not yet answered: without framing that is how long a reply is. */
  const waiting: number[] = []
  let over = false
  let code: ExitCode = exitCode.pass

  function show(bytes: Uint8Array, from: number, end: number): void {
    if (protocol.delivery === undefined || protocol.delivery(bytes, from, end) < 0) waiting.shift()
    process.stdout.write(`${describeMessage(protocol.decode(bytes, from, end))}\n`)
    if (prompting) lines.prompt()
  }
  function shakeHands(bytes: Uint8Array, from: number, end: number): void {
    const { challengeType, welcomeType, signatureType, sign } = protocol.keyHandshake!
    const { type: found, body } = protocol.decode(bytes, from, end)
    if (found !== (strange === 2 ? challengeType : welcomeType)) {
      const refused = protocol.isRefusal?.(bytes, from, end)
      leave(refused ? `refused: ${Buffer.from(body)}` : 'the server does not do the handshake with a key')
      return
    }
    strange--
    if (strange === 1) socket.write(protocol.encode({ type: signatureType, body: sign(key!, body) }))
    else begin()
  }
  function begin(): void {
    if (prompting) lines.prompt()
    else lines.resume()
  }
  function leave(reason?: string): void {
    if (over) return
    over = true
    if (reason !== undefined) {
      process.stderr.write(`${reason}\n`)
      code = exitCode.couldNotRun
    }
    lines.close()
    socket.destroy()
  }
  const secure = address.scheme === 'tls'
  const socket = DirectSocket.connect(
    connectOptions(address),
    buffer,
    {
      connected() {
        if (strange === 0) begin()
        else socket.write(protocol.encode({ type: protocol.keyHandshake!.helloType, body: new Uint8Array(0) }))
      },
      data(_, bytes) {
        leftovers.join(0, buffer, 0, bytes)
        const { bytes: input, to } = leftovers
        let at = leftovers.from
        let end = 0
        while (at < to) {
          end = protocol.frameEnd(input, at, to, waiting[0] ?? 0)
          if (end <= 0) break
          if (strange > 0) shakeHands(input, at, end)
          else show(input, at, end)
          at = end
        }
        if (end < 0) leave(`the reply is ${end === tooLarge ? 'too large' : `no ${protocol.name} message`}`)
        else leftovers.keep(0, input, at, to)
        if (finishing && waiting.length === 0) leave()
      },
      closed: error => leave(`the server closed the connection${error ? `: ${error.message}` : ''}`),
    },
    secure,
  )

  let finishing = false
  lines.on('line', text => {
    if (text === 'q') leave()
    else if (text === '') prompting && lines.prompt()
    else {
      try {
        const frame = protocol.encode({ body: Buffer.from(text), ...(type === undefined ? {} : { type }) })
        waiting.push(frame.length)
        socket.write(frame)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        process.stderr.write(`${error.message}\n`)
        if (prompting) lines.prompt()
      }
    }
  })
  await once(lines, 'close')
  finishing = true
  if (waiting.length === 0) leave()
  if (!over) {
    const timer = setTimeout(() => leave('no reply to the last message'), lastRepliesMs)
    await once(socket.socket, 'close')
    clearTimeout(timer)
  }
  return code
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

/** A message to be read: its fields, then its body as text, or as hex where it is none. */
function describeMessage({ type, body, id }: Message): string {
  const fields = [type === undefined ? '' : `type ${type}`, id === undefined ? '' : `id ${id}`].filter(Boolean)
  const text = Buffer.from(body).toString()
  const printable = !text.includes('\ufffd') && !/[\0-\x08\x0e-\x1f\x7f]/.test(text)
  return [...fields, printable ? text : `hex ${Buffer.from(body).toString('hex')}`].join('  ')
}
