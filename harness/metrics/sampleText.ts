import { quoteShown } from '../shownBytes.ts'
import { formatCount } from '../units.ts'
import type { SampleRecord } from './replies.ts'

/** What came, in one line without its count: `HTTP 503, e.g. "busy"`, or `expected ^YES, got "OK user:1"`. */
export function describeSample(sample: SampleRecord, characters = 60): string {
  const { kind, status, expected, step, why } = sample
  const at = step === undefined ? '' : `${step}: `
  const bytes = quoteShown(sample, characters)
  const because = why === undefined ? '' : ` (${why})`
  switch (kind) {
    case 'unexpected': {
      const got = status === undefined ? bytes : `HTTP ${status === 0 ? 'request' : status}, e.g. ${bytes}`
      return expected === undefined ? `${at}${got}` : `${at}expected ${expected}, got ${got}`
    }
    case 'reply':
      return `${at}${status === undefined ? bytes : `HTTP ${status}, ${bytes}`}`
    case 'stray':
      return `${bytes}, for which no request waits`
    case 'surplus':
      return `${bytes}, one more than was asked for`
    case 'greeting':
      return `the server speaks first: ${bytes}`
    case 'malformed':
      return `${bytes}, which is no message of the protocol${because}`
    case 'too-large':
      return `${bytes}: as a frame it has ${announced(sample)}more than maxFrame${because}`
    case 'unfinished':
    case 'partial':
      return `${formatCount(sample.length)} bytes, ${sizeOf(sample, 'the beginning of a frame')}: ${bytes}${because}`
  }
}

/** What a sample is called before its text; the names of failures where they are failures. */
export const sampleLabels = {
  unexpected: 'unexpected',
  stray: 'unasked',
  surplus: 'after the end',
  greeting: 'greeting',
  malformed: 'malformed',
  'too-large': 'too-large',
  unfinished: 'unfinished',
  partial: 'unfinished',
  reply: 'reply',
} as const satisfies Record<SampleRecord['kind'], string>

function announced({ announced: bytes }: SampleRecord): string {
  return bytes === undefined ? '' : `${formatCount(bytes)} bytes, `
}

function sizeOf({ announced }: SampleRecord, what: string): string {
  return announced === undefined ? what : `${what} of ${formatCount(announced)}`
}
