/** Lengths whose views are kept; a worker whose batches have more lengths creates some views again. */
const viewsMax = 4096

/** Views of the start of an array. Batches have few lengths, and creating a view costs more than a small copy. */
export class ViewCache {
  readonly #views = new Map<number, Uint8Array>()
  #bytes: Uint8Array | undefined

  /** `bytes[from, to)`; the array itself if that is all of it. */
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
