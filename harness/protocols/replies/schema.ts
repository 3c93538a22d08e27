import { z } from 'zod'
import { field, flag, integer, listOf, mapping } from '../../fields.ts'
import { InvalidValue, list, show } from '../../invalidValue.ts'
import { isMapping, type Mapping } from '../../mapping.ts'
import { unknownWord } from '../../suggestion.ts'
import type { FrameTest } from './frameTests.ts'
import type { AnswerRule, ReplyRules } from './replies.ts'

const testsMax = 64
const offsetMax = 1 << 20
const wordMax = 1000
const framesMax = 100_000
const answersMax = 64

const testForms =
  'a text that the body begins with, { equals: ... }, { at: 0, is: ... }, { word: 1, is: ... }, { begins: ..., has: ..., lacks: ... } or a field such as { type: 0x30 }'

/** One test of frames as a scenario writes it. */
function readTest(value: unknown): FrameTest {
  if (typeof value === 'string' && value !== '') return { kind: 'begins', pattern: value }
  if (!isMapping(value) || Object.keys(value).length === 0) throw new InvalidValue(testForms, show(value))
  if ('at' in value) return placeTest(value)
  if ('word' in value) return wordTest(value)
  if (['equals', 'begins', 'has', 'lacks'].some(key => key in value)) return textTest(value)
  return {
    kind: 'fields',
    values: Object.fromEntries(Object.entries(value).map(([name, one]) => [name, numbersOf(name, one)])),
  }
}

function placeTest(value: Mapping): FrameTest {
  onlyKeys(value, ['at', 'is'])
  const { at, is } = value
  if (!Number.isInteger(at) || Number(at) < 0 || Number(at) > offsetMax) {
    throw new InvalidValue(`a place from 0 to ${offsetMax} in at`, show(at))
  }
  return { kind: 'at', offset: Number(at), hex: hexOf('is', is) }
}

function wordTest(value: Mapping): FrameTest {
  onlyKeys(value, ['word', 'is'])
  const { word, is } = value
  if (!Number.isInteger(word) || Number(word) < 1 || Number(word) > wordMax) {
    throw new InvalidValue(`the number of a word from 1 to ${wordMax}`, show(word))
  }
  const values = [is].flat()
  const wrong = values.find(one => typeof one !== 'string' || one === '' || one.includes(' '))
  if (values.length === 0 || wrong !== undefined)
    throw new InvalidValue('a word, or a list of words, in is', show(wrong))
  return { kind: 'word', word: Number(word), values: values as string[] }
}

function textTest(value: Mapping): FrameTest {
  onlyKeys(value, ['equals', 'begins', 'has', 'lacks'])
  const { equals, begins, has, lacks } = value
  if (begins !== undefined && typeof begins !== 'string') throw new InvalidValue('text in begins', show(begins))
  return {
    kind: 'text',
    ...(equals !== undefined && { equals: hexOf('equals', equals) }),
    ...(begins !== undefined && { begins }),
    ...(has !== undefined && { has: hexOf('has', has) }),
    ...(lacks !== undefined && { lacks: hexOf('lacks', lacks) }),
  }
}

function onlyKeys(value: Mapping, known: readonly string[]): void {
  const unknown = Object.keys(value).find(key => !known.includes(key))
  if (unknown !== undefined) throw new InvalidValue(`only ${list(known)}`, unknownWord('key', unknown, known))
}

/** Bytes as text, or as { hex: ... }. */
function hexOf(key: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return Buffer.from(value).toString('hex')
  const digits = isMapping(value) ? value['hex'] : undefined
  const hex = typeof digits === 'string' ? digits.replaceAll(/\s/g, '').toLowerCase() : ''
  if (hex !== '' && hex.length % 2 === 0 && /^[0-9a-f]+$/.test(hex)) return hex
  throw new InvalidValue(`text, or { hex: ... }, in ${key}`, show(value))
}

function numbersOf(name: string, value: unknown): number[] {
  const values = [value].flat()
  const numbers = values.map(one => (typeof one === 'string' && one.length === 1 ? one.charCodeAt(0) : one))
  const wrong = numbers.find(one => !Number.isInteger(one))
  if (values.length > 0 && wrong === undefined) return numbers as number[]
  throw new InvalidValue(`a number, a character or a list of them for ${name}`, show(wrong))
}

const tests = () =>
  field({}, (value): readonly FrameTest[] => {
    const given = Array.isArray(value) ? value : [value]
    if (given.length < 1 || given.length > testsMax) {
      throw new InvalidValue(`1 to ${testsMax} tests`, `a list of ${given.length}`)
    }
    const read = given.map(readTest)
    checkReached(read)
    return read
  })

/** A text that begins as an earlier one does can never be what decides. */
function checkReached(read: readonly FrameTest[]): void {
  read.forEach((test, index) => {
    if (test.kind !== 'begins') return
    const taking = read
      .slice(0, index)
      .find(
        earlier =>
          earlier.kind === 'begins' && test.pattern.startsWith(earlier.pattern) && !/[#?\\]/.test(earlier.pattern),
      )
    if (taking?.kind === 'begins') {
      throw new InvalidValue(
        'tests that can decide',
        `${show(test.pattern)}, which is never reached: ${show(taking.pattern)} stands before it`,
      )
    }
  })
}

const answerForms = '{ to: PING, send: PONG }'
const answerRule = mapping(
  {
    to: tests().describe('Which messages of the server are answered'),
    capture: z.unknown().describe('Values to take from such a message for its answer, as in a step').optional(),
    send: z.unknown().describe('What is sent in answer, as in a step; {{rest}} is what stands behind the text of `to`'),
  },
  answerForms,
)

/** The rules by which a reply ends. */
export const replyEndShape = {
  single: tests().exactOptional().describe('Beside until: a reply that begins with such a frame is whole by itself'),
  until: tests().exactOptional().describe('A reply ends with such a frame'),
  more: tests().exactOptional().describe('A reply goes on after such a frame'),
  joined: flag()
    .exactOptional()
    .describe('The body of a reply is those of its frames, one after the other, without the headers between them'),
}

const shape = {
  ignore: tests().exactOptional().describe('Frames that are no replies: counted, and passed over'),
  deliver: tests().exactOptional().describe('Frames that are no replies: counted, and timed by {{stamp}}'),
  answer: listOf(answerRule, `answers such as ${answerForms}`, 1, answersMax)
    .exactOptional()
    .describe('Frames that are no replies, and are answered at once'),
  ...replyEndShape,
  refuse: tests().exactOptional().describe('The server says no: the request has failed, unless its step expects it'),
  last: tests().exactOptional().describe('A reply after which the server closes the connection'),
  maxFrames: integer(1, framesMax).exactOptional().describe('The longest reply, in frames of the longest size'),
} satisfies Record<keyof ReplyRules, z.ZodType>

/** What is wrong with how the rules by which a reply ends go together. */
export function endFaults({ until, more, single, joined }: ReplyRules): string[] {
  return [
    ...(until && more ? ['until and more: a reply ends with some frames, or goes on after others'] : []),
    ...(single && !until ? ['single needs until: without it every frame is a reply by itself'] : []),
    ...(joined && !until && !more ? ['joined needs until or more: otherwise a reply is one frame'] : []),
  ]
}

/** Which frames are a reply. */
export const repliesSchema = mapping(shape).superRefine((rules, context) => {
  const refuse = (message: string) => context.addIssue({ code: 'custom', message })
  for (const message of endFaults(rules)) refuse(message)
  if (Object.keys(rules).length === 0) refuse(`expected ${list(Object.keys(shape), 'or')}, got an empty mapping`)
})

/** Says that frames have no field of a name, and which they have. */
export function unknownFieldText(name: string, known: readonly string[]): string {
  return `${unknownWord('field', name, known)}${known.length === 0 ? 'none, as no frame is drawn' : ''}`
}

/** Fields that tests ask for, and that the frames of a reply do not have. */
export function unknownFields(rules: ReplyRules, known: readonly string[]): { kind: string; name: string }[] {
  return Object.entries(rules).flatMap(([kind, given]) =>
    (Array.isArray(given) ? (given as readonly (FrameTest | AnswerRule)[]) : [])
      .flatMap(rule => ('to' in rule ? rule.to : [rule]))
      .flatMap(test => (test.kind === 'fields' ? Object.keys(test.values) : []))
      .filter(name => !known.includes(name))
      .map(name => ({ kind, name })),
  )
}

/** Rules as a scenario writes them: what `repliesSchema` reads as the same rules again, but for answers, which only a client gives. */
export function repliesInput({ answer: _, ...rules }: ReplyRules): Mapping {
  return Object.fromEntries(
    Object.entries(rules).map(([key, given]) => [
      key,
      Array.isArray(given) ? (given as readonly FrameTest[]).map(testInput) : given,
    ]),
  )
}

function testInput(test: FrameTest): unknown {
  switch (test.kind) {
    case 'begins':
      return test.pattern
    case 'fields':
      return test.values
    case 'at':
      return { at: test.offset, is: { hex: test.hex } }
    case 'word':
      return { word: test.word, is: test.values }
    case 'text': {
      const { equals, begins, has, lacks } = test
      return {
        ...(equals !== undefined && { equals: { hex: equals } }),
        ...(begins !== undefined && { begins }),
        ...(has !== undefined && { has: { hex: has } }),
        ...(lacks !== undefined && { lacks: { hex: lacks } }),
      }
    }
  }
}
