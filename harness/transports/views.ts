/** Lengths whose views are kept; a worker that sends batches of more lengths makes some anew. */
const viewsMax = 4096

/** Views of the start of an array. Batches come in few lengths, and making a view costs more than a small copy. */
export class ViewCache {
  readonly #views = new Map<number, Uint8Array>()
  #bytes: Uint8Array | undefined

  /** `bytes[from, to)`: the array itself where that is all of it. */
  view(bytes: Uint8Array, from: number, to: number): Uint8Array {
    if (from !== 0) return bytes.subarray(from, to)
    if (to === bytes.length) return bytes
    if (this.#bytes !== bytes || this.#views.size > viewsMax) {
      this.#bytes = bytes
      this.#views.clear()
    }
    let view = this.#views.get(to)
    if (view === undefined) {
      view = bytes.subarray(0, to)
      this.#views.set(to, view)
    }
    return view
  }
}
