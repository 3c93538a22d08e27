import type { Collector } from '../metrics/collector.ts'
import type { SampleRecord } from '../metrics/replies.ts'
import { describeSample, sampleLabels } from '../metrics/sampleText.ts'
import { field } from '../metrics/slab.ts'
import { type RunRecord, shownWith } from '../report/assemble.ts'
import { shownSamples } from '../report/replies.ts'
import { isSilent, silenceText } from '../report/silence.ts'
import { Secrets } from '../shownBytes.ts'

/** How long a run may go on without a reply before that is said. */
const silenceMs = 1000
const notesMax = 4

type ShownRun = Pick<RunRecord, 'facts' | 'stepNames' | 'secrets' | 'explain' | 'firstRequest' | 'isFromFile'>

/** What is wrong with the replies while a run lasts, one line each; a note keeps its wording, so that it is printed once. */
export class LiveReplies {
  readonly #collector: Collector
  readonly #run: ShownRun
  readonly #notes = new Map<string, string>()

  constructor(collector: Collector, run: ShownRun) {
    this.#collector = collector
    this.#run = run
  }

  /** The notes at a time since the start of the run. */
  notes(elapsedMs: number): readonly string[] {
    const replies = this.#collector.replies()
    const isQuiet =
      elapsedMs >= silenceMs && this.#hasSent() && isSilent(replies, this.#collector.total(field.completed))
    const samples = shownSamples(replies, shownWith(this.#run, this.#collector)).filter(sample =>
      isShown(sample, isQuiet),
    )
    const texts = samples
      .slice(0, notesMax)
      .map(sample => this.#keep(`${sample.kind} ${sample.step} ${sample.status}`, () => noteOf(sample)))
    return isQuiet ? [this.#keep('silence', () => this.#silence()), ...texts] : texts
  }

  #hasSent(): boolean {
    return this.#collector.total(field.bytesSent) > 0
  }

  #silence(): string {
    const { facts, firstRequest, secrets = new Secrets(), isFromFile = false, explain } = this.#run
    return silenceText({
      protocol: facts.scenario.protocol.name,
      bytesSent: this.#collector.total(field.bytesSent),
      bytesReceived: this.#collector.total(field.bytesReceived),
      deliveries: this.#collector.total(field.deliveries),
      samples: this.#collector.replies().samples,
      firstRequest,
      secrets,
      isFromFile,
      explain,
    })
  }

  #keep(key: string, text: () => string): string {
    const kept = this.#notes.get(key) ?? text()
    this.#notes.set(key, kept)
    return kept
  }
}

/** What lies unfinished on a connection is worth a note only where nothing else came. */
function isShown({ kind }: SampleRecord, isQuiet: boolean): boolean {
  return isQuiet || (kind !== 'partial' && kind !== 'unfinished')
}

function noteOf(sample: SampleRecord): string {
  return `${sampleLabels[sample.kind]}: ${describeSample(sample)}`
}
