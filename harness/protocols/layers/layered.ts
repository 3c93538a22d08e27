import { type BodyLayers, malformed, type Protocol } from '../protocol.ts'
import type { Layer } from './layer.ts'
import { createLayers } from './layers.ts'
import type { LayerSettings } from './settings.ts'

/**
 * A protocol whose bodies pass through layers. `frameEnd` removes the layers that verify, and all of them with
 * `opensAll`, so that an invalid frame is malformed; this allocates at most about as much as a frame may have.
 */
export function layeredProtocol(
  plain: Protocol,
  settings: LayerSettings | undefined,
  { opensAll = true } = {},
): Protocol {
  if (settings === undefined || settings.names.length === 0) return plain
  const chain = new LayerChain(plain, createLayers(settings))
  return {
    ...plain,
    layers: chain,
    encode: message => plain.encode({ ...message, body: chain.wrap(message.body) }),
    frameEnd(bytes, from, to, requestBytes) {
      const end = plain.frameEnd(bytes, from, to, requestBytes)
      if (end <= 0) return end
      return (opensAll ? chain.open(bytes, from, end) : chain.verify(bytes, from, end)) ? end : malformed
    },
    explain(bytes, from, to) {
      const end = plain.frameEnd(bytes, from, to, 0)
      if (end <= 0) return plain.explain?.(bytes, from, to)
      const isValid = opensAll ? chain.unwrapFrame(bytes, from, end) !== undefined : chain.verify(bytes, from, end)
      return isValid ? undefined : `a body that does not pass its layers ${settings.names.join(', ')}`
    },
    /** The body of a frame that cannot be unwrapped is left as it was received. */
    decode(bytes, from, end) {
      const frame = chain.unwrapFrame(bytes, from, end)
      return frame === undefined ? plain.decode(bytes, from, end) : plain.decode(frame, 0, frame.length)
    },
  }
}

class LayerChain implements BodyLayers {
  readonly plain: Protocol
  readonly #layers: readonly Layer[]
  /** The innermost layer that verifies: the layers outside it must be removed to verify a body. */
  readonly #innermostVerifying: number
  /** The last result of `open`, so that reading the same frame next does not unwrap it again. */
  #openedBytes: Uint8Array | undefined
  #openedFrom = 0
  #openedEnd = 0
  #openedFrame: Uint8Array | undefined

  constructor(plain: Protocol, layers: readonly Layer[]) {
    this.plain = plain
    this.#layers = layers
    const innermost = layers.findIndex(({ verifies }) => verifies)
    this.#innermostVerifying = innermost < 0 ? layers.length : innermost
  }

  wrap(body: Uint8Array): Uint8Array {
    return this.#layers.reduce((bytes, layer) => layer.wrap(bytes), body)
  }

  wrapFrame(frame: Uint8Array): Uint8Array {
    const message = this.plain.decode(frame, 0, frame.length)
    return this.plain.encode({ ...message, body: this.wrap(message.body) })
  }

  wrappedBytesMax(frame: Uint8Array): number {
    const message = this.plain.decode(frame, 0, frame.length)
    const most = this.#layers.reduce((bytes, layer) => layer.wrappedBytesMax(bytes), message.body.length)
    return this.plain.encode({ ...message, body: new Uint8Array(most) }).length
  }

  unwrapFrame(bytes: Uint8Array, from: number, end: number): Uint8Array | undefined {
    const isOpened = bytes === this.#openedBytes && from === this.#openedFrom && end === this.#openedEnd
    return isOpened ? this.#openedFrame : this.#unwrapFrame(bytes, from, end)
  }

  /** Whether the frame can be unwrapped; `unwrapFrame` then returns the same result. */
  open(bytes: Uint8Array, from: number, end: number): boolean {
    this.#openedFrame = this.#unwrapFrame(bytes, from, end)
    this.#openedBytes = bytes
    this.#openedFrom = from
    this.#openedEnd = end
    return this.#openedFrame !== undefined
  }

  verify(bytes: Uint8Array, from: number, end: number): boolean {
    return this.#peel(bytes, from, end, this.#innermostVerifying) !== undefined
  }

  #unwrapFrame(bytes: Uint8Array, from: number, end: number): Uint8Array | undefined {
    const body = this.#peel(bytes, from, end, 0)
    if (body === undefined) return undefined
    try {
      return this.plain.encode({ ...this.plain.decode(bytes, from, end), body })
    } catch (error) {
      // The unwrapped body is longer than a frame may be.
      if (error instanceof RangeError) return undefined
      throw error
    }
  }

  /** The body without its layers from the outermost to number `innermost`; undefined where one of them is not valid. */
  #peel(bytes: Uint8Array, from: number, end: number, innermost: number): Uint8Array | undefined {
    const { plain } = this
    let body: Uint8Array | undefined = bytes.subarray(
      plain.bodyStart(bytes, from, end),
      plain.bodyEnd(bytes, from, end),
    )
    for (let index = this.#layers.length - 1; index >= innermost && body !== undefined; index--) {
      body = this.#layers[index]!.unwrap(body, plain.frameBytesMax)
    }
    return body
  }
}
