import { InvalidValue, show } from '../../invalidValue.ts'
import type { Payload } from '../scenario.ts'
import { parseSlots } from './slots.ts'

const labelBytesMax = 63
/** With the length of each label and the root (RFC 1035, 2.3.4). */
const nameBytesMax = 255
/** What labels may have in them; a name in other letters is written as DNS carries it. */
const labelText = /^[!-z|~]*$/

/** A label as texts, of which each is literal or one slot of a fixed width. */
interface Label {
  readonly texts: string[]
  bytes: number
}

/**
 * The labels of a name such as `w{{random 0..99}}.example.org`, each with its length before it, and the root behind them.
 * `column` is the value of a column of the data, which may have dots in it; other slots stand within a label. Throws an
 * InvalidValue.
 */
export function domainParts(name: string, column: (name: string) => string): Payload {
  const labels = labelsOf(name, column)
  // A dot at the end, or alone, is the root.
  if (labels.at(-1)!.bytes === 0) labels.pop()
  if (labels.length === 1 && labels[0].bytes === 0) labels.pop()
  const bytes = labels.reduce((sum, label) => sum + label.bytes + 1, 1)
  if (bytes > nameBytesMax) throw new InvalidValue(`a name of at most ${nameBytesMax} bytes`, `one of ${bytes}`)
  for (const label of labels) {
    if (label.bytes >= 1 && label.bytes <= labelBytesMax) continue
    const found = label.bytes === 0 ? 'two dots without one' : `one of ${label.bytes}`
    throw new InvalidValue(`a label of 1 to ${labelBytesMax} bytes between the dots of a name`, found)
  }
  return [
    ...labels.map(({ texts }): Payload => ({ length: 'u8', counts: 'rest', plus: 0, of: texts })),
    { number: 'u8', value: 0 },
  ]
}

function labelsOf(name: string, column: (name: string) => string): [Label, ...Label[]] {
  const labels: [Label, ...Label[]] = [{ texts: [], bytes: 0 }]
  const add = (text: string, bytes: number) => {
    const label = labels.at(-1)!
    label.texts.push(text)
    label.bytes += bytes
  }
  const addText = (text: string) => {
    if (!labelText.test(text)) {
      throw new InvalidValue('a name in ASCII without blanks and braces, others as xn--...', show(text))
    }
    for (const [index, piece] of text.split('.').entries()) {
      if (index > 0) labels.push({ texts: [], bytes: 0 })
      if (piece !== '') add(piece, piece.length)
    }
  }
  // Every second piece is a slot.
  for (const piece of name.split(/(\{\{[^{}]*\}\})/)) {
    for (const part of parseSlots(piece)) {
      if ('text' in part) addText(part.text)
      else if (part.slot === 'data') addText(column(part.column))
      else if ('length' in part) add(piece, part.length)
      else throw new InvalidValue('slots of a fixed width in a name', show(piece))
    }
  }
  return labels
}
