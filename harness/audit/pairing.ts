import type { SampleRecord } from '../metrics/replies.ts'
import { quoteShown } from '../shownBytes.ts'
import { formatCount } from '../units.ts'
import type { Finding } from './finding.ts'

/** What the check of the pairs looks at. */
export interface PairingInputs {
  /** Replies find their request by their order alone. */
  readonly isOrdered: boolean
  readonly samples: readonly Pick<SampleRecord, 'kind' | 'count' | 'second' | 'text' | 'hex'>[]
}

const code = 'unpaired'

/**
 * Whether each reply belongs to the request it was taken for. Where replies come in order, a frame that was not asked for
 * shifts every later pair of its connection by one, and the response times are those of other requests.
 */
export function auditPairing({ isOrdered, samples }: PairingInputs): Finding[] {
  if (!isOrdered) return []
  const of = (kind: SampleRecord['kind']) => samples.find(sample => sample.kind === kind)
  const [surplus, stray, greeting] = [of('surplus'), of('stray'), of('greeting')]
  return [
    ...(surplus === undefined ? [] : [surplusFinding(surplus)]),
    ...(stray === undefined ? [] : [strayFinding(stray)]),
    ...(greeting === undefined ? [] : [greetingFinding(greeting)]),
  ]
}

type Shown = PairingInputs['samples'][number]

function surplusFinding(sample: Shown): Finding {
  return {
    code,
    severity: 'invalid',
    message: `after the last reply ${frames(sample.count)} more than was asked for, ${quoteShown(sample)}: replies were taken for those of later requests, and their times are wrong`,
    hint: 'the server sends something unasked, such as a banner or a notice: "volley talk" shows it; with expect: each reply is checked',
    value: sample.count,
    limit: 0,
  }
}

function strayFinding(sample: Shown): Finding {
  const since = sample.second === 0 ? 'before the start' : `from second ${formatCount(sample.second)} on`
  return {
    code,
    severity: 'suspect',
    message: `${frames(sample.count)} for which no request waited, ${since}, such as ${quoteShown(sample)}: replies before them may have been taken for those of other requests`,
    hint: 'each of these connections was closed and opened again; see what the server sends with "volley talk"',
    value: sample.count,
    limit: 0,
  }
}

function greetingFinding(sample: Shown): Finding {
  return {
    code,
    severity: 'note',
    message: `the server speaks first: ${quoteShown(sample)}`,
    hint: 'connections wait for this greeting before they send, and it is not counted as a reply',
    value: sample.count,
    limit: 0,
  }
}

function frames(count: number): string {
  return count === 1 ? '1 message came' : `${formatCount(count)} messages came`
}
