import { z } from 'zod'
import { addressForms, parseEndpoint, withScheme } from '../../address.ts'
import { checked, choice, evenIfFaulty, hasUnknownKey, type KeysOf, mapping, text, wantedText } from '../../fields.ts'
import { InvalidValue, list } from '../../invalidValue.ts'
import { serverNames } from '../../serverOptions.ts'
import type { Target } from '../scenario.ts'
import { relaySchema } from './relay.ts'
import { serverOptionsSchema } from './serverOptions.ts'

const commandLengthMax = 10_000

/** The placeholder of a free port in a command and its address. */
export const portSlot = '{port}'

const targetShape = {
  serve: choice(serverNames).exactOptional().describe('Start this reference server for the run, on a free port'),
  over: choice(['tcp', 'udp']).exactOptional().describe('Transport to the reference server: tcp or udp'),
  options: serverOptionsSchema.exactOptional(),
  command: text('a command such as redis-server --port {port}')
    .max(commandLengthMax, `expected a command of at most ${commandLengthMax} characters`)
    .exactOptional()
    .describe('Start any server for the run; {port} is a free port'),
  address: z
    .string({ error: issue => wantedText(addressForms, issue.input) })
    .superRefine(checked((address: string) => parseEndpoint(address.replaceAll(portSlot, '1'))))
    .exactOptional()
    .describe(
      'A running server: tcp://host:port (or host:port alone), udp://host:port, tls://host:port or unix:/path; with command: where that server listens',
    ),
  relay: relaySchema.exactOptional(),
} satisfies Record<KeysOf<Target>, z.ZodType>

/** The server to test: exactly one of serve, command and address, except that a command may have an address too. */
export const targetSchema = mapping(targetShape, 'a mapping with one of serve, command and address')
  .superRefine(checkTarget, evenIfFaulty)
  .transform(({ serve, options = {}, over, command, address: given, relay }): Target => {
    const address = given === undefined ? undefined : withScheme(given)
    const through = relay === undefined ? {} : { relay }
    if (serve !== undefined) return { serve, options, ...(over !== undefined && { over }), ...through }
    if (command !== undefined) return { command, ...(address !== undefined && { address }), ...through }
    return { address: address!, ...through }
  })
  .meta({
    id: 'target',
    description: 'The server to test: one of serve, command and address',
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
    const message = `goes with serve, not with ${first}: write udp://host:port there`
    context.addIssue({ code: 'custom', path: ['over'], message })
  }
  checkPort(value.command, value.address, context)
}

/** The server must be given its free port by {port} in the command; without one its address must be known. */
function checkPort(command: unknown, address: unknown, context: z.RefinementCtx): void {
  const isInCommand = typeof command === 'string' && command.includes(portSlot)
  const isInAddress = typeof address === 'string' && address.includes(portSlot)
  if (isInAddress && !isInCommand) {
    const wanted = command === undefined ? 'a port; {port} goes with a command' : 'a port; the command has no {port}'
    context.addIssue({ code: 'custom', path: ['address'], message: new InvalidValue(wanted).message })
  }
  if (typeof command === 'string' && command !== '' && !isInCommand && address === undefined) {
    const message = new InvalidValue('a command with {port} in it, or an address beside it').message
    context.addIssue({ code: 'custom', path: ['command'], message })
  }
}
