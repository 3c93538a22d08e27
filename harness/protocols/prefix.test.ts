import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { prefixTest } from './prefix.ts'

test('prefixTest() compares every byte of a prefix of any length, and none behind it', () => {
  const bytes = fc.uint8Array({ maxLength: 20 })
  fc.assert(
    fc.property(bytes, bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (wanted, behind, place, change) => {
      const text = Uint8Array.from([7, ...wanted, ...behind])
      const test = prefixTest(wanted)
      expect(test(text, 1)).toBe(true)
      if (wanted.length === 0) return
      const at = 1 + (place % wanted.length)
      text[at] = (text[at]! + change) % 256
      expect(test(text, 1)).toBe(false)
    }),
    { numRuns: propertyRuns },
  )
})
