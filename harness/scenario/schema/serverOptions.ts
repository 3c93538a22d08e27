import { z } from 'zod'
import { bracketed } from '../../address.ts'
import { UserError } from '../../errors.ts'
import { durationPattern, field, mapping, unquoted, variablePattern } from '../../fields.ts'
import { InvalidValue } from '../../invalidValue.ts'
import { expectedOf, type OptionValue, parseOption } from '../../optionValue.ts'
import { parseLayer, splitLayerNames } from '../../protocols/layers/settings.ts'
import { parseProtocolText } from '../../protocols/spec.ts'
import { type OptionName, optionEntries, type ServerOption, serverProtocols } from '../../serverOptions.ts'

const sizePattern = '[0-9]+(\\.[0-9]+)? ?(B|KB|MB|GB|KiB|MiB|GiB)?'
const example = '{ poolSize: 1000, maxFrame: 1MiB }'

/** The options that a scenario can set. */
export const scenarioOptions = optionEntries.filter(([, option]) => option.isFlagOnly === undefined)

/** Options of a reference server; their values stay as they are written, for the server to read. */
export const serverOptionsSchema = mapping(
  Object.fromEntries(
    scenarioOptions.map(([name, option]) => [
      name,
      optionField(name, option).exactOptional().describe(describe(option)),
    ]),
  ),
  `a mapping of options such as ${example}`,
)
  .transform(options => options as Readonly<Record<string, string | number | boolean>>)
  .describe(`Options of the reference server, such as ${example}`)

/** The text that a server reads for a value of a scenario; undefined for a flag that is not set. */
export function optionText(value: unknown): string | true | undefined {
  if (typeof value === 'boolean') return value || undefined
  return String(value)
}

function optionField(name: OptionName, { value: kind }: ServerOption) {
  return name === 'protocol' ? protocolField() : field(jsonOf(kind), value => checkedOption(name, kind, value))
}

/** The value of an option as it is written; throws an InvalidValue when the server would refuse it. */
function checkedOption(name: OptionName, kind: OptionValue, value: unknown): unknown {
  // The scenario says separately whether a server serves over UDP.
  const expected = name === 'listen' ? listenForms(value) : expectedOf(kind)
  if (kind.kind === 'flag') {
    if (typeof value !== 'boolean') throw new InvalidValue(expected)
    return value
  }
  if (kind.kind === 'switch' && typeof value === 'boolean') return value ? 'on' : 'off'
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new InvalidValue(expected, kind.kind === 'text' ? unquoted(value) : undefined)
  }
  if (parseOption(kind, String(value)) === undefined) throw new InvalidValue(expected)
  if (name === 'layers') checkLayers(String(value))
  return value
}

function listenForms(value: unknown): string {
  return bracketed(String(value)) ?? 'an address such as 127.0.0.1:8080 or unix:/path'
}

/** A protocol by name or in JSON, as a server's flag has it. */
function protocolField() {
  const names = [...new Set(Object.values(serverProtocols).flat())]
  const json = { anyOf: [{ enum: names }, { type: 'string' }] }
  return z
    .unknown()
    .meta(json)
    .transform((value, context) => {
      try {
        if (typeof value !== 'string') throw new UserError("expected a protocol's name, or JSON in quotes")
        parseProtocolText(value)
        return value
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        for (const { message } of error.faults) context.addIssue({ code: 'custom', message })
        return z.NEVER
      }
    })
}

function checkLayers(text: string): void {
  for (const name of splitLayerNames(text)) parseLayer(name)
}

/** What the JSON Schema says of a value; where it has a number or a unit, a variable may be. */
function jsonOf(value: OptionValue): Record<string, unknown> {
  switch (value.kind) {
    case 'flag':
      return { type: 'boolean' }
    case 'switch':
      return { anyOf: [{ type: 'boolean' }, { enum: ['on', 'off'] }] }
    case 'whole': {
      const unlimited = value.orUnlimited ? 'unlimited|' : ''
      return orText(
        { type: 'integer', minimum: value.min, maximum: value.max },
        `[0-9]+|${unlimited}${variablePattern}`,
      )
    }
    case 'size':
      return orText({ type: 'integer', minimum: value.min, maximum: value.max }, `${sizePattern}|${variablePattern}`)
    case 'duration':
      return { type: 'string', pattern: `^(${durationPattern}|${variablePattern})$`, examples: [value.example] }
    case 'text':
    case 'secret':
    case 'form':
      return { anyOf: [{ type: 'string' }, { type: 'number' }] }
  }
}

function orText(schema: Record<string, unknown>, pattern: string): Record<string, unknown> {
  return { anyOf: [schema, { type: 'string', pattern: `^(${pattern})$` }] }
}

function describe({ servers, description, scenarioDescription = description }: ServerOption): string {
  if (servers !== undefined) return `${servers.join(', ')}: ${scenarioDescription}`
  return scenarioDescription[0]!.toUpperCase() + scenarioDescription.slice(1)
}
