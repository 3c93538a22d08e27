import { closest, distance } from 'fastest-levenshtein'
import { z } from 'zod'
import { UserError } from '../errors.ts'
import { formatSize, parseSize } from '../units.ts'
import { shortestFrame } from './frame.ts'
import type { ProtocolName } from './protocol.ts'
import type { FrameSettings, ProtocolSpec } from './protocolSpec.ts'

const names = [
  'raw',
  'line',
  'frame',
  'tlv',
  'rpc',
  'broadcast',
  'http',
  'resp',
] as const satisfies readonly ProtocolName[]

/** The most that maxFrame may be: a frame is held in memory whole. */
export const frameBytesMax = 64 * 1024 * 1024
const headerBytesMax = 64 * 1024
const delimiterBytesMax = 64
const maxFrameDefault = 1024 * 1024
const rpcMaxFrameDefault = 2 * 1024 * 1024
const hostBytesMax = 255

const maxFrame = size(frameBytesMax).describe('The longest message that is taken: a size such as 64KiB, or bytes')

const rawSettings = z
  .strictObject({
    reply: record({ bytes: size(frameBytesMax).describe('How many bytes every reply has') }, '{ bytes: 5 }')
      .optional()
      .describe('By default a reply is as long as its request'),
  })
  .transform(({ reply }): ProtocolSpec => ({ name: 'raw', ...(reply && { replyBytes: reply.bytes }) }))

const lineSettings = z
  .strictObject({
    delimiter: z
      .string(wanted('a text such as "\\n"'))
      .refine(text => fits(Buffer.byteLength(text), 1, delimiterBytesMax), wanted(`1 to ${delimiterBytesMax} bytes`))
      .default('\n')
      .describe('What ends a line'),
    maxFrame: maxFrame.default(maxFrameDefault),
  })
  .transform((settings): ProtocolSpec => ({ name: 'line', ...settings }))

const idSettings = record(
  {
    offset: whole(0, headerBytesMax).describe('Where the id begins'),
    bytes: choice([1, 2, 3, 4]).describe('How many bytes the id has'),
  },
  '{ offset: 4, bytes: 4 }',
)

const frameSettings = z
  .strictObject({
    lengthOffset: whole(0, headerBytesMax).default(0).describe('Where the length field begins'),
    lengthBytes: choice([1, 2, 3, 4, 8]).default(4).describe('How many bytes the length field has'),
    endian: choice(['big', 'little']).default('big').describe('Byte order of the length and of the id'),
    lengthAdjustment: whole(-frameBytesMax, frameBytesMax)
      .default(0)
      .describe('Added to the length read; -4 where a length of 4 bytes counts itself'),
    strip: whole(0, headerBytesMax).optional().describe('Bytes at the start of a frame that are not its body'),
    maxFrame: maxFrame.default(maxFrameDefault),
    id: idSettings.optional().describe('The field that joins a reply to its request'),
  })
  .superRefine((settings, context) => {
    for (const { path, message } of frameFaults(settings as FrameSettings)) {
      context.addIssue({ code: 'custom', path, message })
    }
  })
  .transform(({ strip, id, ...settings }): ProtocolSpec => {
    return { name: 'frame', ...settings, ...(strip !== undefined && { strip }), ...(id && { id }) }
  })

const tlvSettings = z
  .strictObject({ maxFrame: maxFrame.default(maxFrameDefault) })
  .transform((settings): ProtocolSpec => ({ name: 'tlv', ...settings }))

const rpcSettings = z
  .strictObject({
    lengthPrefix: z.boolean(wanted('true or false')).default(true).describe('Whether a frame begins with its length'),
    maxFrame: maxFrame.default(rpcMaxFrameDefault),
  })
  .transform((settings): ProtocolSpec => ({ name: 'rpc', ...settings }))

const broadcastSettings = z
  .strictObject({ maxFrame: maxFrame.default(maxFrameDefault) })
  .transform((settings): ProtocolSpec => ({ name: 'broadcast', ...settings }))

const httpSettings = z
  .strictObject({
    host: z
      .string(wanted('a host such as example.org'))
      .regex(/^[!-~]+$/, wanted('a host such as example.org'))
      .max(hostBytesMax, `expected at most ${hostBytesMax} characters`)
      .exactOptional()
      .describe(
        'What the header Host says where a request does not say it itself; without it the host and port of the address, and localhost for servers that the run starts',
      ),
    maxFrame: maxFrame.default(maxFrameDefault),
  })
  .transform((settings): ProtocolSpec => ({ name: 'http', ...settings }))

const respSettings = z
  .strictObject({ maxFrame: maxFrame.default(maxFrameDefault) })
  .transform((settings): ProtocolSpec => ({ name: 'resp', ...settings }))

const settingsOf = {
  raw: rawSettings,
  line: lineSettings,
  frame: frameSettings,
  tlv: tlvSettings,
  rpc: rpcSettings,
  broadcast: broadcastSettings,
  http: httpSettings,
  resp: respSettings,
} satisfies Record<ProtocolName, z.ZodType<ProtocolSpec>>

/**
 * A protocol as a scenario names it: `tlv`, or `{ tlv: { maxFrame: 64KiB } }`. Its output is a ProtocolSpec.
 * The choice is made by hand, as a union of zod would say only that nothing fits; the JSON Schema is that of the union.
 */
export const protocolSchema = z.unknown().transform(checkProtocol).meta(inputSchema())

/** The protocol that a scenario or a flag names; throws a UserError that lists every fault. */
export function protocolSpec(input: unknown): ProtocolSpec {
  const result = protocolSchema.safeParse(input)
  if (result.success) return result.data
  const faults = result.error.issues.map(({ path, message }) => {
    return { place: '', message: path.length > 0 ? `${path.join('.')}: ${message}` : message }
  })
  throw new UserError(faults)
}

/** The protocol in a text: a name, or JSON as `protocolText` writes it; throws a UserError that lists every fault. */
export function parseProtocolText(text: string): ProtocolSpec {
  if (!text.startsWith('{')) return protocolSpec(text)
  let input: unknown
  try {
    input = JSON.parse(text)
  } catch {
    throw new UserError(`expected a protocol's name or JSON, got ${text}`)
  }
  return protocolSpec(input)
}

/** A protocol as JSON text for `parseProtocolText`: the value of a server's `--protocol`. */
export function protocolText({ name, ...settings }: ProtocolSpec): string {
  const { replyBytes, ...others } = settings as { readonly replyBytes?: number }
  return JSON.stringify({ [name]: replyBytes === undefined ? others : { reply: { bytes: replyBytes } } })
}

/** A protocol in a title: its name and what is out of the ordinary, such as `frame, 2-byte little-endian length`. */
export function describeProtocol(spec: ProtocolSpec): string {
  switch (spec.name) {
    case 'raw':
      return spec.replyBytes === undefined ? 'raw' : `raw, replies of ${formatSize(spec.replyBytes)}`
    case 'line':
      return spec.delimiter === '\n' ? 'line' : `line, ended by ${JSON.stringify(spec.delimiter)}`
    case 'frame':
      return describeFrame(spec)
    case 'rpc':
      return spec.lengthPrefix ? 'rpc' : 'rpc without length prefix'
    case 'tlv':
    case 'broadcast':
    case 'http':
    case 'resp':
      return spec.name
  }
}

function describeFrame({ lengthOffset, lengthBytes, endian, id }: FrameSettings): string {
  const order = lengthBytes === 1 ? '' : `${endian}-endian `
  const length = `, ${lengthBytes}-byte ${order}length${lengthOffset === 0 ? '' : ` at ${lengthOffset}`}`
  const usual = lengthOffset === 0 && lengthBytes === 4 && endian === 'big'
  return `frame${usual ? '' : length}${id ? `, ${id.bytes}-byte id at ${id.offset}` : ''}`
}

function checkProtocol(input: unknown, context: z.RefinementCtx): ProtocolSpec {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  if (typeof input === 'string') return isName(input) ? settingsOf[input].parse({}) : refuse(unknownName(input))
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return refuse(`expected a protocol such as tlv, got ${show(input)}`)
  }
  const [entry, another] = Object.entries(input)
  if (entry === undefined) return refuse('expected a protocol such as tlv, got {}')
  if (another !== undefined) return refuse(`expected one protocol, got ${Object.keys(input).map(show).join(' and ')}`)
  const [name, settings] = entry
  if (!isName(name)) return refuse(unknownName(name))
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    context.addIssue({ code: 'custom', path: [name], message: `expected settings in braces, got ${show(settings)}` })
    return z.NEVER
  }
  const result = settingsOf[name].safeParse(settings)
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    const path = [name, ...issue.path]
    if (issue.code !== 'unrecognized_keys') context.addIssue({ code: 'custom', path, message: issue.message })
    else {
      for (const key of issue.keys) {
        // The code and the keys are kept, so that who knows the file can point at the key itself.
        context.addIssue({ code: 'unrecognized_keys', keys: [key], path, message: unknownKey(key, path) })
      }
    }
  }
  return z.NEVER
}

function isName(text: string): text is ProtocolName {
  return (names as readonly string[]).includes(text)
}

function unknownName(name: string): string {
  const all = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
  if (/[/\\]|\.[cm]?[jt]s$/.test(name)) {
    return `protocol ${show(name)} is not in this version of volley; it has ${all}`
  }
  return `unknown protocol ${show(name)}; ${suggestion(name, names) ?? `there are ${all}`}`
}

function unknownKey(key: string, [name, field]: readonly PropertyKey[]): string {
  const objects = { id: idSettings, reply: rawSettings.in.shape.reply.unwrap() }
  const object = field === 'id' || field === 'reply' ? objects[field] : settingsOf[name as ProtocolName].in
  const known = Object.keys(object.shape)
  return `unknown key ${show(key)}; ${suggestion(key, known) ?? `there ${known.length > 1 ? 'are' : 'is'} ${known.join(', ')}`}`
}

function suggestion(text: string, known: readonly string[]): string | undefined {
  const nearest = closest(text.toLowerCase(), known)
  const near = distance(text.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, text.length / 3)
  return near ? `did you mean ${show(nearest)}?` : undefined
}

function frameFaults(settings: FrameSettings): { path: string[]; message: string }[] {
  const { lengthOffset, lengthBytes, id } = settings
  const faults = []
  if (id && id.offset < lengthOffset + lengthBytes && lengthOffset < id.offset + id.bytes) {
    const last = lengthOffset + lengthBytes - 1
    const message = `expected a place apart from the length field in bytes ${lengthOffset} to ${last}, got ${id.offset}`
    faults.push({ path: ['id', 'offset'], message })
  }
  const shortest = shortestFrame(settings)
  if (shortest > settings.maxFrame) {
    const message = `expected at least the ${shortest} bytes of a frame's header, got ${settings.maxFrame}`
    faults.push({ path: ['maxFrame'], message })
  }
  return faults
}

function size(max: number) {
  const message = wanted('a size such as 64KiB')
  return z.union([z.number(), z.string()], message).transform((input, context) => {
    const bytes = typeof input === 'number' ? input : parseSize(input)
    if (bytes !== undefined && fits(bytes, 1, max)) return bytes
    const range = bytes === undefined || !Number.isInteger(bytes) ? 'a size such as 64KiB' : `1 B to ${formatSize(max)}`
    context.addIssue({ code: 'custom', message: `expected ${range}, got ${show(input)}` })
    return z.NEVER
  })
}

function whole(min: number, max: number) {
  const message = wanted(`a whole number from ${min} to ${max}`)
  return z.number(message).int(message).min(min, message).max(max, message)
}

function choice<const Value extends string | number>(values: readonly Value[]) {
  const all = `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
  return z.literal(values as readonly [Value, ...Value[]], wanted(all))
}

function record<Shape extends z.ZodRawShape>(shape: Shape, example: string) {
  return z.strictObject(shape, {
    error: issue => (issue.code === 'invalid_type' ? `expected ${example}, got ${show(issue.input)}` : undefined),
  })
}

function wanted(what: string) {
  return { error: (issue: { readonly input?: unknown }) => `expected ${what}, got ${show(issue.input)}` }
}

function fits(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}

function show(input: unknown): string {
  return input === undefined ? 'nothing' : (JSON.stringify(input) ?? String(input))
}

function inputSchema() {
  const objects = names.map(name => z.strictObject({ [name]: settingsOf[name] }))
  const { $schema: _, ...schema } = z.toJSONSchema(z.union([z.enum(names), ...objects]), {
    io: 'input',
    unrepresentable: 'any',
  })
  return { ...schema, description: 'What the target speaks: the name of a protocol, or the name with its settings' }
}
