import { list } from '../../invalidValue.ts'
import { checksums } from './checksums.ts'
import { type ElementOf, fixedBytesOf, kindOf, type Picture } from './elements.ts'
import { numberType, writeNumber } from './numbers.ts'

/** What is wrong with a picture, and with which of its elements. */
export interface PictureFault {
  readonly index?: number
  readonly message: string
}

/** Why no frame can be read or written by a picture; empty if one can. */
export function pictureFaults(elements: Picture): PictureFault[] {
  const own = elements.flatMap((element, index) => {
    const message = elementFault(element)
    return message === undefined ? [] : [{ index, message }]
  })
  return [...own, ...repeated(elements), ...unplaced(elements)]
}

/** Why no frame can be found in a stream: a datagram needs no length. */
export function streamFault(elements: Picture): string | undefined {
  const hasLength = elements.some(({ kind }) => kind === 'length')
  const body = elements.find(element => element.kind === 'body')
  if (hasLength || body === undefined || body.bytes !== undefined) return undefined
  return 'nothing says where a frame ends: give a { length: ... }, or { body: 10 } where all have 10 bytes'
}

function elementFault(element: Picture[number]): string | undefined {
  if (element.kind === 'field') return fieldFault(element)
  if (element.kind === 'id') return idFault(element)
  return element.kind === 'checksum' ? checksumFault(element) : undefined
}

function fieldFault({ name, type, value, only = [] }: ElementOf<'field'>): string | undefined {
  try {
    for (const one of [value, ...only]) writeNumber(new Uint8Array(8), 0, numberType(type), one)
    return undefined
  } catch (error) {
    if (error instanceof RangeError) return `${name}: ${error.message}`
    throw error
  }
}

function idFault({ type, min = 0, max }: ElementOf<'id'>): string | undefined {
  const greatest = Number(numberType(type).max)
  if (max !== undefined && max > greatest) return `expected max up to ${greatest} (${type}), got ${max}`
  return min >= (max ?? greatest) ? `expected min below max (${max ?? greatest}), got ${min}` : undefined
}

function checksumFault({ sum, as }: ElementOf<'checksum'>): string | undefined {
  const greatest = 2 ** checksums[sum].bits - 1
  const room = typeof as === 'object' ? 10 ** as.digits - 1 : Number(numberType(as).max)
  if (room >= greatest) return undefined
  return `${sum} is up to ${greatest}, which ${typeof as === 'object' ? `${as.digits} digits do` : `${as} does`} not hold`
}

function repeated(elements: Picture): PictureFault[] {
  const seen = new Set<string>()
  return elements.flatMap((element, index) => {
    const name = element.kind === 'field' ? element.name : element.kind
    const mayRepeat = ['bytes', 'skip', 'length', 'checksum'].includes(element.kind)
    if (mayRepeat || !seen.has(name)) {
      seen.add(name)
      return []
    }
    return [
      { index, message: element.kind === 'field' ? `a second field ${name}` : `a second ${name}: a frame has one` },
    ]
  })
}

/** Elements that cannot be found, because something of unknown size stands before them. */
function unplaced(elements: Picture): PictureFault[] {
  const faults: PictureFault[] = []
  const firstLength = elements.findIndex(({ kind }) => kind === 'length')
  const bodyIndex = elements.findIndex(({ kind }) => kind === 'body')
  elements.forEach((element, index) => {
    if (element.kind === 'length' && element.counts === 'body' && bodyIndex < 0) {
      faults.push({ index, message: 'counts: body, and there is no body' })
    }
    if (fixedBytesOf(element) !== undefined || index === firstLength) return
    if (element.kind === 'body' && index > firstLength && firstLength >= 0) return
    if (element.kind === 'body' && firstLength < 0) return
    if (element.kind === 'body') {
      faults.push({ index, message: 'a body before the length that counts it: where it ends cannot be read' })
    } else {
      faults.push({
        index,
        message:
          'a second length of variable size, and only the first may be one: leave it to the body, as in body: { length: ber, of: ... }',
      })
    }
  })
  const counting = elements[firstLength]
  if (counting?.kind === 'length' && bodyIndex < 0 && kindOf(counting).fixedBytes === undefined) {
    const forms = list(['body', '{ body: 10 }'], 'or')
    faults.push({ index: firstLength, message: `a length, and nothing that it counts: give ${forms}` })
  }
  return faults
}
