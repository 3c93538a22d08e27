/** A binary heap of any length: the item that comes before all others is on top. Nothing is allocated beyond the array. */
export class Heap<Item> {
  readonly #items: Item[] = []
  readonly #isBefore: (a: Item, b: Item) => boolean

  /** `isBefore` must be a strict order; items that are equal by it come out in no particular order. */
  constructor(isBefore: (a: Item, b: Item) => boolean) {
    this.#isBefore = isBefore
  }

  get length(): number {
    return this.#items.length
  }

  /** The item on top, which stays there; undefined in an empty heap. */
  get first(): Item | undefined {
    return this.#items[0]
  }

  add(item: Item): void {
    const items = this.#items
    const isBefore = this.#isBefore
    let place = items.length
    items.push(item)
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!isBefore(item, items[parent]!)) break
      items[place] = items[parent]!
      place = parent
    }
    items[place] = item
  }

  /** Removes and returns the item on top; undefined in an empty heap. */
  takeFirst(): Item | undefined {
    const items = this.#items
    const taken = items[0]
    const last = items.pop()
    if (items.length > 0) this.#siftDown(last!)
    return taken
  }

  #siftDown(item: Item): void {
    const items = this.#items
    const isBefore = this.#isBefore
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= items.length) break
      if (child + 1 < items.length && isBefore(items[child + 1]!, items[child]!)) child++
      if (!isBefore(items[child]!, item)) break
      items[place] = items[child]!
      place = child
    }
    items[place] = item
  }
}

/**
 * Replaces the least number of a heap, which is at index 0; an array of equal numbers is a heap. Numbers have a function
 * of their own because a typed array keeps them unboxed, so that replacing one allocates nothing.
 */
export function replaceLeast(heap: Float64Array, value: number): void {
  let place = 0
  for (;;) {
    let child = 2 * place + 1
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
    if (child >= heap.length || heap[child]! >= value) break
    heap[place] = heap[child]!
    place = child
  }
  heap[place] = value
}
