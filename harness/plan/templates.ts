import type { Message } from '../protocols/protocol.ts'
import type { Step } from '../scenario/scenario.ts'
import { type CaptureSource, parseCapture } from '../scenario/schema/capture.ts'

/** What a step takes out of its reply, and under which number it is kept for its connection. */
export interface PlannedCapture {
  readonly value: number
  readonly source: CaptureSource
}

/**
 * A message that is encoded when it is sent, as a value in it is known only then. What else differs from one to the next
 * is made by the patches of its frame, one slot after the other in a space of their own.
 */
export interface MessageTemplate {
  readonly fields: Omit<Message, 'body' | 'path' | 'headers'>
  readonly path?: readonly TemplatePart[]
  readonly headers?: Readonly<Record<string, readonly TemplatePart[]>>
  readonly body: readonly TemplatePart[]
}

/** Bytes as they stand, a slot by where its patch is made, or a captured value by its number. */
export type TemplatePart =
  | Uint8Array
  | { readonly slotFrom: number; readonly slotEnd: number }
  | { readonly value: number }

/** The names of captured values of a scenario, each with its number. */
export class CaptureNames {
  readonly #names: string[] = []

  get count(): number {
    return this.#names.length
  }

  /** The number of a name; a new one where it has none. */
  numberOf(name: string): number {
    const index = this.#names.indexOf(name)
    return index < 0 ? this.#names.push(name) - 1 : index
  }

  /** What a step captures, as the loop needs it. */
  planned({ capture = {} }: Pick<Step, 'capture'>): readonly PlannedCapture[] {
    return Object.entries(capture).map(([name, text]) => ({ value: this.numberOf(name), source: parseCapture(text) }))
  }
}
