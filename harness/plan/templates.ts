import type { FloatName, NumberName } from '../protocols/picture/numbers.ts'
import type { Message } from '../protocols/protocol.ts'
import type { ChecksumPart, LengthPart, Step } from '../scenario/scenario.ts'
import { type CaptureSource, parseCapture } from '../scenario/schema/capture.ts'

/** A value that a step takes from its reply, and the number by which its connection keeps it. */
export interface PlannedCapture {
  readonly value: number
  readonly source: CaptureSource
}

/**
 * A message that is encoded when it is sent, because it contains a captured value or the client's address, which are of
 * any length. Its slots are filled by the patches
 * of its frame, one after another in a buffer of their own.
 */
export interface MessageTemplate {
  readonly fields: Omit<Message, 'body' | 'path' | 'headers' | 'clientIp'>
  readonly path?: readonly TemplatePart[]
  readonly headers?: Readonly<Record<string, readonly TemplatePart[]>>
  readonly clientIp?: readonly TemplatePart[]
  readonly body: readonly TemplatePart[]
  /** The body is the whole message. */
  readonly unframed?: true
}

/**
 * Constant bytes, a slot by its range in the buffer of patches, a captured value by its number, as it is or as a number in
 * bytes, the client's address, or parts with their length before or their checksum behind them.
 */
export type TemplatePart =
  | Uint8Array
  | { readonly slotFrom: number; readonly slotEnd: number }
  | { readonly value: number; readonly type?: NumberName | FloatName }
  | typeof localAddress
  | { readonly length: Omit<LengthPart, 'of'>; readonly of: readonly TemplatePart[] }
  | { readonly checksum: Omit<ChecksumPart, 'of'>; readonly of: readonly TemplatePart[] }

/** The client's address on the connection. */
export const localAddress = 'localAddress'

/** Every part of a template, those within others too. */
export function partsOf({ path = [], headers = {}, clientIp = [], body }: MessageTemplate): readonly TemplatePart[] {
  return flat([...path, ...Object.values(headers).flat(), ...clientIp, ...body])
}

function flat(parts: readonly TemplatePart[]): TemplatePart[] {
  return parts.flatMap(part => (typeof part === 'object' && 'of' in part ? [part, ...flat(part.of)] : [part]))
}

/** The names of the captured values of a scenario, numbered. */
export class CaptureNames {
  readonly #names: string[] = []

  get count(): number {
    return this.#names.length
  }

  /** The number of a name; a new name gets the next number. */
  numberOf(name: string): number {
    const index = this.#names.indexOf(name)
    return index < 0 ? this.#names.push(name) - 1 : index
  }

  /** A captured value that is taken from that part of a reply. */
  capture(name: string, source: CaptureSource): PlannedCapture {
    return { value: this.numberOf(name), source }
  }

  /** The captures of a step, with their numbers. */
  planned({ capture = {} }: Pick<Step, 'capture'>): readonly PlannedCapture[] {
    return Object.entries(capture).map(([name, text]) => this.capture(name, parseCapture(text)))
  }
}
