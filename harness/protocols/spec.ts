import { z } from 'zod'
import { UserError } from '../errors.ts'
import { fieldIssues } from '../fieldIssues.ts'
import { choice, count, flag, integer, mapping, size } from '../fields.ts'
import { list, show } from '../invalidValue.ts'
import { isMapping, type Mapping } from '../mapping.ts'
import { unknownWord } from '../suggestion.ts'
import { aliasNames, canonicalName } from './aliases.ts'
import { describedNames, describedProtocols } from './described.ts'
import { idMaxOf, shortestFrame } from './frame.ts'
import { createPicture, type PictureSettings } from './picture/picture.ts'
import { pictureInput, pictureSchema } from './picture/schema.ts'
import type { ProtocolName } from './protocol.ts'
import type { BroadcastFraming, FrameSettings, ProtocolSpec, WithReplies } from './protocolSpec.ts'
import type { ReplyRules } from './replies/replies.ts'
import { repliesInput, repliesSchema, unknownFields, unknownFieldText } from './replies/schema.ts'
import { respSettingsWith } from './resp/schema.ts'

/** The names of the protocols. */
export const protocolNames = [
  'raw',
  'line',
  'frame',
  'tlv',
  'rpc',
  'broadcast',
  'http',
  'resp',
] as const satisfies readonly ProtocolName[]

/** Every name that a scenario may have for its protocol. */
export const allNames: readonly string[] = [...protocolNames, ...aliasNames, ...describedNames]

/** The framings of `broadcast`; the first is the default. */
export const broadcastFramings = ['line', 'json', 'text', 'websocket'] as const satisfies readonly BroadcastFraming[]

/** The upper bound of maxFrame: a whole frame is held in memory. */
export const frameBytesMax = 64 * 1024 * 1024
const headerBytesMax = 64 * 1024
const delimiterBytesMax = 64
const textBytesMax = 256
const wordMax = 100
const dataRulesMax = 16
const maxFrameDefault = 1024 * 1024
const rpcMaxFrameDefault = 2 * 1024 * 1024
const hostBytesMax = 255
const nameLengthMax = 40

const maxFrame = size(1, frameBytesMax).describe('The longest message that is accepted: a size such as 64KiB, or bytes')

const rawSettings = mapping({
  reply: mapping({ bytes: size(1, frameBytesMax).describe('How many bytes every reply has') }, '{ bytes: 5 }')
    .optional()
    .describe('By default a reply is as long as its request'),
}).transform(({ reply }): ProtocolSpec => ({ name: 'raw', ...(reply && { replyBytes: reply.bytes }) }))

const dataForms = 'what some lines announce: { after: "VALUE ", word: 4, plus: 2 } or { header: Content-Length }'
const lineData = z.union(
  [
    mapping({
      after: z.string().min(1).max(textBytesMax).describe('How a line begins that announces data'),
      word: integer(-wordMax, wordMax)
        .refine(word => word !== 0, 'expected the number of a word from 1, or from the end below 0, got 0')
        .describe('Which of its words is the length: 1 is the first, -1 the last'),
      plus: integer(0, frameBytesMax).default(0).describe('How many bytes there are beside those: 2 for a line end'),
    }),
    mapping({
      header: z.string().min(1).max(textBytesMax).describe('The name of the header that is the length'),
      plus: integer(0, frameBytesMax).default(0).describe('How many bytes there are beside those'),
    }),
  ],
  `expected ${dataForms}`,
)

const lineSettings = mapping({
  delimiter: z
    .string('expected text such as "\\n"')
    .refine(isDelimiter, `expected 1 to ${delimiterBytesMax} bytes`)
    .default('\n')
    .describe('The end of a line'),
  data: z
    .array(lineData, `expected a list of ${dataForms}`)
    .max(dataRulesMax)
    .exactOptional()
    .describe('Lines that announce data: it is part of their message'),
  between: z
    .string('expected text')
    .max(delimiterBytesMax)
    .exactOptional()
    .describe('Bytes that may stand between messages'),
  maxFrame: maxFrame.default(maxFrameDefault),
}).transform((settings): ProtocolSpec => ({ name: 'line', ...settings }))

const idMaxOf32Bits = idMaxOf(4)

const idSettings = mapping(
  {
    offset: integer(0, headerBytesMax).describe('Where the id begins'),
    bytes: choice([1, 2, 3, 4]).describe('How many bytes the id has'),
    max: count(1, idMaxOf32Bits)
      .exactOptional()
      .describe(
        'The largest id of requests, such as 160000: they use 1 to this, again and again; by default the largest that fits',
      ),
  },
  '{ offset: 4, bytes: 4 }',
)

const lengthFieldSettings = mapping({
  lengthOffset: integer(0, headerBytesMax).default(0).describe('Where the length field begins'),
  lengthBytes: choice([1, 2, 3, 4, 8]).default(4).describe('How many bytes the length field has'),
  endian: choice(['big', 'little']).default('big').describe('Byte order of the length and of the id'),
  lengthAdjustment: integer(-frameBytesMax, frameBytesMax)
    .default(0)
    .describe('Added to the length field; -4 where a 4-byte length counts itself'),
  strip: integer(0, headerBytesMax).optional().describe('Bytes at the start of a frame that are not part of its body'),
  maxFrame: maxFrame.default(maxFrameDefault),
  id: idSettings.optional().describe('The field that matches a reply to its request'),
})
  .superRefine((settings, context) => {
    for (const { path, message } of frameFaults(settings as FrameSettings)) {
      context.addIssue({ code: 'custom', path, message })
    }
  })
  .transform(({ strip, id, ...settings }): ProtocolSpec => {
    return { name: 'frame', ...settings, ...(strip !== undefined && { strip }), ...(id && { id }) }
  })

const drawn = { maxFrame: maxFrame.default(maxFrameDefault) }
const onePicture = mapping({ picture: pictureSchema.describe('Requests and replies as they are drawn'), ...drawn })
const twoPictures = mapping({
  request: pictureSchema.describe('Requests as they are drawn'),
  reply: pictureSchema.describe('Replies as they are drawn'),
  ...drawn,
})

/** Frames with a length field by its place and width, or drawn element by element: a list, or one for each direction. */
const frameSettings = z
  .unknown()
  .transform((input, context): ProtocolSpec => {
    const list = Array.isArray(input) ? onePicture.safeParse({ picture: input }) : undefined
    const result = list ?? frameFormOf(input).safeParse(input)
    if (!result.success) {
      for (const issue of result.error.issues) {
        context.addIssue({ ...issue, path: list === undefined ? issue.path : issue.path.slice(1) })
      }
      return z.NEVER
    }
    const { data } = result
    if ('name' in data) return data
    const [request, reply] = 'picture' in data ? [data.picture, data.picture] : [data.request, data.reply]
    return { name: 'frame', request, reply, maxFrame: data.maxFrame }
  })
  .meta(unionSchema([lengthFieldSettings, pictureSchema, onePicture, twoPictures]))

function frameFormOf(input: unknown) {
  if (isMapping(input) && 'picture' in input) return onePicture
  return isMapping(input) && ('request' in input || 'reply' in input) ? twoPictures : lengthFieldSettings
}

const tlvSettings = mapping({ maxFrame: maxFrame.default(maxFrameDefault) }).transform(
  (settings): ProtocolSpec => ({ name: 'tlv', ...settings }),
)

const rpcIdSettings = mapping(
  {
    max: count(1, idMaxOf32Bits).describe(
      'The largest id of requests, such as 160000: they use 1 to this, again and again',
    ),
  },
  '{ max: 160000 }',
)

const rpcSettings = mapping({
  lengthPrefix: flag().default(true).describe('Whether a frame begins with its length'),
  maxFrame: maxFrame.default(rpcMaxFrameDefault),
  id: rpcIdSettings
    .exactOptional()
    .describe(
      'The ids of requests (Opaque): by default they are below 2^31, and come again after billions of requests',
    ),
}).transform((settings): ProtocolSpec => ({ name: 'rpc', ...settings }))

const broadcastSettings = mapping({
  framing: choice(broadcastFramings)
    .default('line')
    .describe(
      'line: a JSON object on each line; json: JSON objects with nothing between them; text: such objects to the server, and bare text from it; websocket: each object is a message of WebSocket',
    ),
  maxFrame: maxFrame.default(maxFrameDefault),
}).transform(({ framing, ...settings }): ProtocolSpec => {
  // Left out by default, as in reports that were saved before there was another.
  return { name: 'broadcast', ...(framing !== 'line' && { framing }), ...settings }
})

const hostForms = 'expected a host such as example.org'

const httpSettings = mapping({
  host: z
    .string(hostForms)
    .regex(/^[!-~]+$/, hostForms)
    .max(hostBytesMax, `expected at most ${hostBytesMax} characters`)
    .exactOptional()
    .describe(
      'The Host header of requests that do not set it; by default the host and port of the address, and localhost for servers that the run starts',
    ),
  maxFrame: maxFrame.default(maxFrameDefault),
}).transform((settings): ProtocolSpec => ({ name: 'http', ...settings }))

/** Keys that stand beside the format of a protocol. */
const besideFormat = ['replies', 'called']
const calledSchema = z
  .string('expected text')
  .min(1, 'expected a name')
  .max(nameLengthMax, `expected at most ${nameLengthMax} characters`)
  .optional()

const settingsOf = {
  raw: rawSettings,
  line: lineSettings,
  frame: frameSettings,
  tlv: tlvSettings,
  rpc: rpcSettings,
  broadcast: broadcastSettings,
  http: httpSettings,
  resp: respSettingsWith(maxFrame.default(maxFrameDefault)),
} satisfies Record<ProtocolName, z.ZodType<ProtocolSpec>>

/**
 * A protocol as a scenario names it: `tlv`, or `{ tlv: { maxFrame: 64KiB } }`. Its output is a ProtocolSpec. A zod union
 * would report only that no branch fits, so `readProtocol` picks the branch; the JSON Schema is that of the union.
 */
export const protocolSchema = z.unknown().transform(readProtocol).meta(inputSchema())

/** The protocol that a scenario or a flag names; throws a UserError that lists every fault. */
export function protocolSpec(input: unknown): ProtocolSpec {
  const result = protocolSchema.safeParse(input)
  if (result.success) return result.data
  const faults = fieldIssues(result.error.issues, input).map(({ path, about, message }) => {
    const place = (about === 'key' ? path.slice(0, -1) : path).join('.')
    return { place: '', message: place === '' ? message : `${place}: ${message}` }
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
  const {
    replyBytes,
    replies,
    called: _,
    ...given
  } = settings as { replyBytes?: number; maxFrame?: number } & WithReplies
  const rules = replies && { replies: repliesInput(replies) }
  // How a client logs in is none of a server's business, and a command line can be read by everybody.
  const others = name === 'resp' ? { maxFrame: given.maxFrame } : given
  if ('request' in settings) return JSON.stringify({ frame: picturesInput(settings), ...rules })
  return JSON.stringify({ [name]: replyBytes === undefined ? others : { reply: { bytes: replyBytes } }, ...rules })
}

function picturesInput({ request, reply, maxFrame }: PictureSettings): object {
  return { request: pictureInput(request), reply: pictureInput(reply), maxFrame }
}

/** The protocol as a server speaks it: requests come in, and the rules of replies are the client's. */
export function serverSide(spec: ProtocolSpec): ProtocolSpec {
  if (spec.name !== 'line' && spec.name !== 'frame') return spec
  const { replies: _, called: __, ...own } = spec
  return 'request' in own ? { ...own, request: own.reply, reply: own.request } : own
}

/** How many bits the ids have that join replies to requests, and the greatest if that is set; undefined without ids. */
export function idRange(
  spec: Extract<ProtocolSpec, { name: 'frame' | 'rpc' }>,
): { readonly bits: number; readonly max?: number } | undefined {
  if (!('request' in spec)) {
    const { id } = spec
    const max = id?.max === undefined ? {} : { max: id.max }
    return spec.name === 'rpc' ? { bits: 32, ...max } : id && { bits: 8 * ('bytes' in id ? id.bytes : 4), ...max }
  }
  const id = spec.request.find(element => element.kind === 'id')
  const range = createPicture(spec).requestId
  return range && { bits: range.bits, ...((id?.max !== undefined || id?.min !== undefined) && { max: range.max }) }
}

function readProtocol(input: unknown, context: z.RefinementCtx): ProtocolSpec {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  if (typeof input === 'string') {
    const known = canonicalName(input)
    return isName(known) ? settingsOf[known].parse({}) : refuse(unknownName(input))
  }
  const [typed, another] = isMapping(input) ? Object.keys(input).filter(key => !besideFormat.includes(key)) : []
  if (typed === undefined) return refuse(`expected a protocol such as tlv${isMapping(input) ? ', got {}' : ''}`)
  if (another !== undefined)
    return refuse(`expected one protocol, got ${list(Object.keys(input as Mapping).map(show))}`)
  const name = canonicalName(typed)
  if (!isName(name)) return refuse(unknownName(typed))
  const result = settingsOf[name].safeParse((input as Mapping)[typed])
  const rules = 'replies' in (input as Mapping) ? repliesSchema.safeParse((input as Mapping)['replies']) : undefined
  for (const issue of result.error?.issues ?? []) context.addIssue({ ...issue, path: [typed, ...issue.path] })
  for (const issue of rules?.error?.issues ?? []) context.addIssue({ ...issue, path: ['replies', ...issue.path] })
  const called = calledSchema.safeParse((input as Mapping)['called'])
  for (const issue of called.error?.issues ?? []) context.addIssue({ ...issue, path: ['called', ...issue.path] })
  if (!result.success || rules?.success === false || !called.success) return z.NEVER
  const spec = called.data === undefined ? result.data : calledSpec(result.data, called.data, context)
  return rules?.data === undefined ? spec : ruledSpec(spec, rules.data, context)
}

/** A protocol with a name of its own for reports. */
function calledSpec(spec: ProtocolSpec, called: string, context: z.RefinementCtx): ProtocolSpec {
  if (spec.name === 'line' || spec.name === 'frame') return { ...spec, called }
  context.addIssue({ code: 'custom', path: ['called'], message: `goes with line and frame, not with ${spec.name}` })
  return z.NEVER
}

/** A protocol with the rules of its replies, if it can have them, and has the fields that they ask for. */
function ruledSpec(spec: ProtocolSpec, replies: ReplyRules, context: z.RefinementCtx): ProtocolSpec {
  if (spec.name !== 'line' && spec.name !== 'frame') {
    context.addIssue({ code: 'custom', path: ['replies'], message: `goes with line and frame, not with ${spec.name}` })
    return z.NEVER
  }
  const known = 'request' in spec ? spec.reply.flatMap(element => (element.kind === 'field' ? [element.name] : [])) : []
  for (const { kind, name } of unknownFields(replies, known)) {
    const message = unknownFieldText(name, known)
    context.addIssue({ code: 'custom', path: ['replies', kind], message })
  }
  return { ...spec, replies }
}

function isName(text: string): text is ProtocolName {
  return (protocolNames as readonly string[]).includes(text)
}

function unknownName(name: string): string {
  if (describedNames.includes(name)) {
    return `${name} is a description, which only scenarios and URLs have: ${describedProtocols[name]!.schemes[0]}://host, or "volley protocol ${name}" to see it`
  }
  if (!/[/\\]|\.[cm]?[jt]s$/.test(name)) return unknownWord('protocol', name, allNames)
  return `protocol ${show(name)} is not in this version of volley; it has ${list(allNames)}`
}

function frameFaults(settings: FrameSettings): { path: string[]; message: string }[] {
  const { lengthOffset, lengthBytes, id } = settings
  const faults = []
  if (id && id.offset < lengthOffset + lengthBytes && lengthOffset < id.offset + id.bytes) {
    const last = lengthOffset + lengthBytes - 1
    const message = `expected an offset outside the length field (bytes ${lengthOffset} to ${last}), got ${id.offset}`
    faults.push({ path: ['id', 'offset'], message })
  }
  if (id?.max !== undefined && id.max > idMaxOf(id.bytes)) {
    const message = `expected at most ${idMaxOf(id.bytes)} with ids of ${8 * id.bytes} bits, got ${id.max}`
    faults.push({ path: ['id', 'max'], message })
  }
  const shortest = shortestFrame(settings)
  if (shortest > settings.maxFrame) {
    const message = `expected at least the ${shortest} bytes of a frame's header, got ${settings.maxFrame}`
    faults.push({ path: ['maxFrame'], message })
  }
  return faults
}

function isDelimiter(text: string): boolean {
  const bytes = Buffer.byteLength(text)
  return bytes >= 1 && bytes <= delimiterBytesMax
}

function inputSchema() {
  const rules = (name: ProtocolName) =>
    name === 'line' || name === 'frame' ? { replies: repliesSchema.optional(), called: calledSchema } : {}
  const objects = [...protocolNames, ...aliasNames].map(name => {
    const known = canonicalName(name) as ProtocolName
    return z.strictObject({ [name]: settingsOf[known], ...rules(known) })
  })
  const described = describedNames.map(name => z.strictObject({ [name]: z.record(z.string(), z.unknown()) }))
  const schema = unionSchema([z.enum(allNames), ...objects, ...described])
  return { ...schema, description: 'The protocol of the target: its name, or its name with settings' }
}

/** The JSON Schema of a value that is one of several. */
function unionSchema(schemas: readonly z.ZodType[]): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(z.union(schemas), { io: 'input', unrepresentable: 'any' })
  return schema
}
