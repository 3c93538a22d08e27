import { list } from '../invalidValue.ts'
import type { Replies, SampleRecord } from '../metrics/replies.ts'
import { errorWordBytesMax, type Sample } from '../metrics/samples.ts'
import { isUpgraded, plannedAnswersOf } from '../scenario/answers.ts'
import { placedSteps } from '../scenario/clients.ts'
import { loginOf } from '../scenario/login.ts'
import type { Expectation, Payload, Scenario, Step } from '../scenario/scenario.ts'
import { type Secrets, showBytes, showFirstWord } from '../shownBytes.ts'

/** Says why bytes are no whole frame, as a protocol may. */
export type Explain = (bytes: Uint8Array, from: number, to: number) => string | undefined

/** What it takes to show replies. */
export interface ShownWith {
  /** The scenario as it may be shown. */
  readonly scenario: Scenario
  readonly stepNames: readonly string[]
  readonly secrets: Secrets
  /** When the run started, on the clock that all threads share. */
  readonly startsAt: number
  readonly explain?: Explain
}

/** A longer expectation is cut off. */
const expectedCharactersMax = 80

/** The kept replies for people, the most frequent first; nothing in them is secret or controls a terminal. */
export function shownSamples({ samples }: Pick<Replies, 'samples'>, shown: ShownWith): SampleRecord[] {
  const steps = stepsOf(shown.scenario)
  const isUnfinishedKept = samples.some(({ kind }) => kind === 'unfinished')
  return samples
    .filter(({ kind }) => kind !== 'partial' || !isUnfinishedKept)
    .map(sample => recordOf(sample, steps[sample.step], shown))
}

/** In a single pass over the steps: what came for each, in the order of the steps, with their names. */
export function stepReplies({ ofSteps }: Pick<Replies, 'ofSteps'>, shown: ShownWith): SampleRecord[] {
  const steps = stepsOf(shown.scenario)
  return ofSteps
    .toSorted((a, b) => a.step - b.step || a.at - b.at)
    .map(sample => ({ ...recordOf(sample, steps[sample.step], shown), step: shown.stepNames[sample.step]! }))
}

/** How often each error came, by its first word. */
export function errorReplyCounts(
  { errorWords }: Pick<Replies, 'errorWords'>,
  secrets: Secrets,
): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { bytes, length, count } of errorWords) {
    const { text, hex } = showFirstWord(bytes, secrets, errorWordBytesMax, bytes.length < length)
    const word = text ?? hex ?? ''
    counts[word] = (counts[word] ?? 0) + count
  }
  return counts
}

function recordOf(sample: Sample, step: Step | undefined, shown: ShownWith): SampleRecord {
  const { kind, key, count, at, length, bytes, announced } = sample
  const { scenario, stepNames, secrets, startsAt, explain } = shown
  const isHttp = scenario.protocol.name === 'http' && (kind === 'unexpected' || kind === 'reply')
  const expected = kind === 'unexpected' ? expectedText(step, secrets) : undefined
  const isCut = bytes.length < length || kind === 'unfinished' || kind === 'partial'
  const why = kind === 'unexpected' ? undefined : reasonFor(sample, explain)
  const name = sample.step < 0 || stepNames.length < 2 ? undefined : stepNames[sample.step]
  return {
    kind,
    ...(name !== undefined && { step: name }),
    ...(isHttp && { status: key }),
    count,
    second: at < startsAt ? 0 : Math.floor((at - startsAt) / 1000) + 1,
    length,
    ...showBytes(bytes, secrets, isCut),
    ...(announced > 0 && { announced }),
    ...(expected !== undefined && { expected }),
    ...(why !== undefined && { why: hideQuoted(why, secrets, isCut) }),
  }
}

function reasonFor({ kind, bytes }: Sample, explain: Explain | undefined): string | undefined {
  return kind === 'malformed' || kind === 'unfinished' || kind === 'partial' || kind === 'too-large'
    ? explain?.(bytes, 0, bytes.length)
    : undefined
}

/**
 * By the number of a step: the steps of all loops, the heartbeat, answers, the handshake with a key, the login to Redis, and the
 * handshakes of the scenario.
 */
function stepsOf(scenario: Scenario): (Step | undefined)[] {
  const { heartbeat, key, protocol } = scenario
  const placed = placedSteps(scenario)
  const stepsOfKind = (isHandshake: boolean) =>
    placed.filter(({ kind }) => (kind === 'connect') === isHandshake).map(({ step }) => step)
  return [
    ...stepsOfKind(false),
    ...(heartbeat === undefined ? [] : [undefined]),
    ...plannedAnswersOf(protocol).map(() => undefined),
    ...(key === undefined ? [] : [undefined, undefined]),
    ...loginOf({ protocol }).map(() => undefined),
    ...(isUpgraded(protocol) ? [undefined] : []),
    ...stepsOfKind(true),
  ]
}

/** Hides secrets in a reason; what it quotes of the bytes may be cut off, with `..."` or where the bytes themselves end. */
function hideQuoted(why: string, secrets: Secrets, isCut: boolean): string {
  const parts = why.split(isCut ? /(\.\.\."|")/ : /(\.\.\.")/)
  return parts.map((part, index) => secrets.hideText(part, index % 2 === 0 && index < parts.length - 1)).join('')
}

/** What a step expects, short and without secrets, which are looked for before it is cut; undefined where any reply but a refusal will do. */
function expectedText(step: Step | undefined, secrets: Secrets): string | undefined {
  const whole = step?.expect === undefined ? capturedText(step) : textOfExpectation(step.expect)
  const text = whole === undefined ? undefined : secrets.hideText(whole)
  return text !== undefined && text.length > expectedCharactersMax ? `${text.slice(0, expectedCharactersMax)}…` : text
}

function capturedText(step: Step | undefined): string | undefined {
  const names = Object.keys(step?.capture ?? {})
  return names.length === 0 ? undefined : `a value to capture as ${names.join(', ')}`
}

function textOfExpectation(expect: Expectation): string | undefined {
  if (typeof expect === 'string') return expect === 'echo' ? 'its request back' : expect
  const { equals, body, begins, contains, matches, error, fields = {}, ...header } = expect
  const whole = equals ?? body
  const named = Object.entries({ ...header, ...fields }).map(
    ([name, values]) => `${name} ${[values].flat().join(' or ')}`,
  )
  const isStatusAlone = named.length === 1 && header.status !== undefined
  const texts = [
    // The bytes that are shown are those of the body, which may be as expected.
    ...(named.length === 0 ? [] : [isStatusAlone ? named[0]! : `${list(named)} in its header`]),
    ...(error === undefined ? [] : [`an error ${error}`]),
    ...(whole === undefined ? [] : [payloadText(whole)]),
    ...(begins === undefined ? [] : [`a text that begins ${payloadText(begins)}`]),
    ...(contains === undefined ? [] : [`a text with ${payloadText(contains)}`]),
    ...(matches === undefined ? [] : [matches]),
  ]
  return texts.length === 0 ? undefined : texts.join(' and ')
}

function payloadText(payload: Payload): string {
  return JSON.stringify(payload)
}
