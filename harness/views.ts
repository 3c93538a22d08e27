/** Number of lengths whose views are kept; beyond it the cache starts again. */
const viewsMax = 4096

/** Views of the start of one array, made once for each length: making a view costs more than copying a few bytes. */
export class ViewCache {
  readonly #views = new Map<number, Uint8Array>()
  #bytes: Uint8Array | undefined

  /** Returns `bytes[from, to)`: the array itself where that is all of it. */
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
