/** Calls for each item, at most `atOnce` at a time; rejects with the first failure and starts no call after it. */
export async function inParallel<Item>(
  items: readonly Item[],
  atOnce: number,
  call: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0
  let hasFailed = false
  async function work(): Promise<void> {
    while (next < items.length && !hasFailed) {
      const item = items[next++]!
      try {
        await call(item)
      } catch (error) {
        hasFailed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work))
}
