import { expect, test } from 'vitest'
import { ViewCache } from './views.ts'

test('view() makes one view for each length, and returns the array itself where the view is all of it', () => {
  const cache = new ViewCache()
  const bytes = Uint8Array.of(1, 2, 3)
  expect(cache.view(bytes, 0, 2)).toEqual(Uint8Array.of(1, 2))
  expect(cache.view(bytes, 0, 2)).toBe(cache.view(bytes, 0, 2))
  expect(cache.view(bytes, 0, 3)).toBe(bytes)
  expect(cache.view(bytes, 1, 3)).toEqual(Uint8Array.of(2, 3))
})

test('view() never returns a view of an earlier array', () => {
  const cache = new ViewCache()
  cache.view(Uint8Array.of(1, 2, 3), 0, 2)
  expect(cache.view(Uint8Array.of(4, 5, 6), 0, 2)).toEqual(Uint8Array.of(4, 5))
})
