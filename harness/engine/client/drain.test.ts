import { expect, test } from 'vitest'
import { control, createSlab, field } from '../../metrics/slab.ts'
import { Drain } from './drain.ts'

test('Drain waits a second after the end, or as long as a reply may take', () => {
  const drain = new Drain(createSlab(1), {})
  drain.begin(500, 5000)
  expect(drain.until(600)).toBe(1500)
  const short = new Drain(createSlab(1), {})
  short.begin(500, 200)
  expect(short.until(600)).toBe(700)
})

test('Drain with listeners waits for the other workers first', () => {
  const slab = createSlab(1)
  slab.fields[field.control] = control.start
  const drain = new Drain(slab, { awaitsOthers: true })
  drain.begin(500, 5000)
  expect(drain.until(600)).toBe(700)
  expect(drain.until(90_000)).toBe(90_100)
  slab.fields[field.control] = control.stop
  expect(drain.until(90_100)).toBe(91_100)
  expect(drain.until(90_200)).toBe(91_100)
})
