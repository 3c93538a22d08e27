import { InvalidValue, list, show } from '../../invalidValue.ts'
import { limits } from '../scenario.ts'

/** A part of a text: literal, or a slot that each request fills in. Slots with a length have a fixed width. */
export type SlotPart =
  | { readonly text: string }
  | { readonly slot: 'seq' | 'count' | 'connection' | 'uuid' | 'random' | 'stamp' | 'utc'; readonly length: number }
  /** A whole number from `from` to `to`, both included, padded with zeros. */
  | { readonly slot: 'number'; readonly length: number; readonly from: number; readonly to: number }
  | { readonly slot: 'data'; readonly column: string }
  /** The client's address on this connection, `ip:port`. */
  | { readonly slot: 'localAddress' }
  /** The host and port of the target, the same in every request. */
  | { readonly slot: 'targetHost' }
  /** What an earlier step of the connection has captured, of any length. */
  | { readonly slot: 'capture'; readonly name: string }

/**
 * The width of slots in characters; `stamp` is in microseconds since the Unix epoch, `utc` a time such as
 * 20260131-23:59:59.999.
 */
const slotLengths = { seq: 10, count: 10, connection: 6, uuid: 36, stamp: 16, utc: 21 } as const
const localAddress = 'localAddress'
const targetHost = 'targetHost'
const seqLengthMax = 16
const numberMax = 0xffff_ffff
const slotShownMax = 40
const slotForms = [
  '{{seq}}',
  '{{count}}',
  '{{connection}}',
  '{{uuid}}',
  '{{random 64}}',
  '{{random 0..9999}}',
  '{{stamp}}',
  '{{utc}}',
  '{{localAddress}}',
  '{{targetHost}}',
  '{{data.column}}',
]

/** The names that captured values may have, except those of slots. */
export const slotNamePattern = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

/** Text in double braces. */
export const slotPattern = /\{\{([^{}]*)\}\}/g

/** What begins like a slot and has no end, or only half of it. Quotes, spaces and braces after `{{` are no slot's. */
const unclosedPattern = /\{\{[ \t]*[A-Za-z_][^{}]*\}?/
/** The end of a slot that begins with one brace: `{seq}}`. No JSON has an unquoted word there. */
const unopenedPattern =
  /\{[ \t]*(?:(?:seq|count|connection|uuid|stamp|utc|random|localAddress|targetHost)\b[^{}"']*|data\.[^{}"']+)\}\}/

/** The parts of a text with `{{...}}` in it, in their order; throws an InvalidValue for an unknown or an open slot. */
export function parseSlots(text: string): SlotPart[] {
  const parts: SlotPart[] = []
  let end = 0
  for (const match of text.matchAll(slotPattern)) {
    if (match.index > end) parts.push({ text: literal(text.slice(end, match.index)) })
    parts.push(parseSlot(match[1]!.trim(), match[0]))
    end = match.index + match[0].length
  }
  if (end < text.length) parts.push({ text: literal(text.slice(end)) })
  return parts
}

/** A text between slots, unless it has half a slot in it, which would be sent as it is. */
function literal(text: string): string {
  const [half] = unclosedPattern.exec(text) ?? unopenedPattern.exec(text) ?? []
  if (half === undefined) return text
  const whole = `{{${half.replace(/^\{+|\}+$/g, '').trim()}}}`
  const wanted = `two braces at both ends of a slot, as in ${shownSlot(whole)}`
  throw new InvalidValue(wanted, `${show(half)} (to send braces as they are, send hex, base64 or a file)`)
}

/** The slot that was meant, where what stands in it is short. */
function shownSlot(whole: string): string {
  return whole.length <= slotShownMax ? whole : '{{seq}}'
}

/** Whether a name is that of a slot, or would be read as one. */
export function isReservedSlot(name: string): boolean {
  return (
    Object.hasOwn(slotLengths, name) || name === localAddress || name === targetHost || /^(random|data$)/.test(name)
  )
}

/** The error for an unknown slot. */
export function noSuchSlot(shown: string): InvalidValue {
  return new InvalidValue(`a slot such as ${list(slotForms, 'or')}`, show(shown))
}

/** The length of a text with its slots filled in, in characters; those without a fixed width do not count. */
export function slotsLength(parts: readonly SlotPart[]): number {
  return parts.reduce((sum, part) => sum + ('text' in part ? part.text.length : 'length' in part ? part.length : 0), 0)
}

function parseSlot(inside: string, shown: string): SlotPart {
  if (inside === localAddress) return { slot: localAddress }
  if (inside === targetHost) return { slot: targetHost }
  const data = /^data\.(.+)$/.exec(inside)
  if (data) return { slot: 'data', column: data[1]! }
  const [, from, to] = /^random +(\d{1,12})\.\.(\d{1,12})$/.exec(inside) ?? []
  if (to !== undefined) return numberSlot(Number(from), to, shown)
  const [, name, width] = /^([a-z]+)(?: +(\d{1,9}))?$/.exec(inside) ?? []
  const length = width === undefined ? undefined : Number(width)
  if (name === 'seq' || name === 'count') {
    return { slot: name, length: withinBounds(name, length ?? slotLengths[name], seqLengthMax, shown) }
  }
  if (/^random\b/.test(inside)) {
    if (name !== 'random' || length === undefined) {
      throw new InvalidValue('a length or a range, as in {{random 64}} or {{random 0..9999}}', show(shown))
    }
    return { slot: name, length: withinBounds('random', length, limits.payloadBytesMax, shown) }
  }
  if ((name === 'connection' || name === 'uuid' || name === 'stamp' || name === 'utc') && length === undefined) {
    return { slot: name, length: slotLengths[name] }
  }
  if (slotNamePattern.test(inside) && !isReservedSlot(inside)) return { slot: 'capture', name: inside }
  throw noSuchSlot(shown)
}

/** A slot as wide as its upper bound, so that every number has the same width. */
function numberSlot(from: number, upper: string, shown: string): SlotPart {
  const to = Number(upper)
  if (to > numberMax) throw new InvalidValue(`numbers up to ${numberMax} for {{random}}`, show(shown))
  if (from >= to) throw new InvalidValue('a range such as {{random 0..9999}}, the lower number first', show(shown))
  return { slot: 'number', length: upper.length, from, to }
}

function withinBounds(name: string, length: number, max: number, shown: string): number {
  if (length >= 1 && length <= max) return length
  throw new InvalidValue(`1 to ${max} characters for {{${name}}}`, show(shown))
}
