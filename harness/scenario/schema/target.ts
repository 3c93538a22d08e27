import { z } from 'zod'
import { addressForms, parseEndpoint } from '../../address.ts'
import { checked, choice, evenIfFaulty, hasUnknownKey, type KeysOf, mapping, text, wantedText } from '../../fields.ts'
import { InvalidValue, list } from '../../invalidValue.ts'
import type { Target } from '../scenario.ts'
import { relaySchema } from './relay.ts'

const commandLengthMax = 10_000

/** Stands for a free port in a command and its address. */
export const portSlot = '{port}'

const optionValue = z.union([z.string(), z.number(), z.boolean()], 'expected text, a number, true or false')
const option = (description: string) => optionValue.exactOptional().describe(description)

/** Flags of the reference servers, which check the values themselves: poolSize is --pool-size. */
const optionsShape = {
  listen: option('Where it listens, in place of a free port: host:port, or unix:/path'),
  protocol: option("echo: raw, line or frame; by default the scenario's protocol"),
  reply: option('What it answers: echo, or this text'),
  maxFrame: option('The longest message it takes, such as 1MiB'),
  maxConnections: option('Refuse connections beyond so many'),
  idleTimeout: option('Close a connection that sends nothing for so long'),
  maxSendBuffer: option(
    'Read no more from a connection while more than this waits to be sent to it, such as 104856; broadcast drops it',
  ),
  key: option('tlv: serve only those who show that they know the key'),
  layers: option("What bodies pass through, such as gzip,crc32; by default the scenario's layers"),
  layerKey: option("The key of those layers; by default the scenario's"),
  naive: option('echo: take each read of at most so many bytes for a message, as a server without framing does'),
  group: option('rpc: serve only the clients of this group'),
  secret: option('rpc: what the clients of the group log in with'),
  shuffle: option('rpc: answer in an order shuffled within so many requests of a connection'),
  poolSize: option('Serve so many requests at a time, the rest in one queue; or unlimited'),
  serviceTime: option(
    'How long serving a request takes: fixed:2ms, exponential:1ms, bimodal:1ms,20ms,2% or fixed:5ms@2s,fixed:1ms',
  ),
  stall: option('Serve nothing for 1s at the end of every 10s: 1s/10s; or for good: forever@54s'),
  busyWait: option('Never sleep, so that no wake-up adds to a service time; takes a whole core'),
  seed: option('Where the choices of serviceTime and shuffle start from'),
  workers: option('Serve with so many processes'),
  reloadEvery: option('Put new processes in the place of its own this often, such as 2s, which are to lose nothing'),
  reloadTimeout: option('How long an old process goes on with its connections after a reload'),
  quiet: option('Do not print a line every second'),
}

const targetShape = {
  serve: choice(['echo', 'tlv', 'rpc', 'broadcast', 'http'])
    .exactOptional()
    .describe('Start this reference server for the run, on a free port'),
  over: choice(['tcp', 'udp']).exactOptional().describe('What the reference server is reached over: tcp, or udp'),
  options: mapping(optionsShape, 'a mapping of options such as { poolSize: 1000, maxFrame: 1MiB }')
    .exactOptional()
    .describe('Options of the reference server, such as { poolSize: 1000, maxFrame: 1MiB }'),
  command: text('a command such as redis-server --port {port}')
    .max(commandLengthMax, `expected a command of at most ${commandLengthMax} characters`)
    .exactOptional()
    .describe('Start any server for the run; {port} is a free port'),
  address: z
    .string({ error: issue => wantedText(addressForms, issue.input) })
    .superRefine(checked((address: string) => parseEndpoint(address.replaceAll(portSlot, '1'))))
    .exactOptional()
    .describe(
      'A server that runs already, tcp://host:port, udp://host:port, tls://host:port or unix:/path; beside command: where that one listens',
    ),
  relay: relaySchema.exactOptional(),
} satisfies Record<KeysOf<Target>, z.ZodType>

/** The server to be loaded: exactly one of serve, command and address, except that a command may have its address. */
export const targetSchema = mapping(targetShape, 'a mapping with one of serve, command and address')
  .superRefine(checkTarget, evenIfFaulty)
  .transform(({ serve, options = {}, over, command, address, relay }): Target => {
    const through = relay === undefined ? {} : { relay }
    if (serve !== undefined) return { serve, options, ...(over !== undefined && { over }), ...through }
    if (command !== undefined) return { command, ...(address !== undefined && { address }), ...through }
    return { address: address!, ...through }
  })
  .meta({
    id: 'target',
    description: 'The server to be loaded: one of serve, command and address',
    anyOf: [{ required: ['serve'] }, { required: ['command'] }, { required: ['address'] }],
  })

function checkTarget(value: { readonly [Key in keyof typeof targetShape]?: unknown }, context: z.RefinementCtx): void {
  const found = (['serve', 'command', 'address'] as const).filter(key => key in value)
  const [first, second, third] = found
  const isCommandAtAddress = first === 'command' && second === 'address' && third === undefined
  if (first === undefined || (second !== undefined && !isCommandAtAddress)) {
    if (first === undefined && hasUnknownKey(context)) return
    const got = first === undefined ? 'none of them' : list(found)
    context.addIssue(new InvalidValue('exactly one of serve, command and address', got).message)
    return
  }
  if ('options' in value && first !== 'serve') {
    context.addIssue({ code: 'custom', path: ['options'], message: `options go with serve, not with ${first}` })
  }
  if ('over' in value && first !== 'serve') {
    const message = `goes with serve, not with ${first}, which says it itself: udp://host:port`
    context.addIssue({ code: 'custom', path: ['over'], message })
  }
  checkPort(value.command, value.address, context)
}

/** A free port must be told to the server, and one that is not asked for leaves the server's place unknown. */
function checkPort(command: unknown, address: unknown, context: z.RefinementCtx): void {
  const isAsked = typeof command === 'string' && command.includes(portSlot)
  const isUsed = typeof address === 'string' && address.includes(portSlot)
  if (isUsed && !isAsked) {
    const wanted = command === undefined ? 'a port; {port} goes with a command' : 'a port; the command has no {port}'
    context.addIssue({ code: 'custom', path: ['address'], message: new InvalidValue(wanted).message })
  }
  if (typeof command === 'string' && command !== '' && !isAsked && address === undefined) {
    const message = new InvalidValue('a command with {port} in it, or an address beside it').message
    context.addIssue({ code: 'custom', path: ['command'], message })
  }
}
