import { expect, test } from 'vitest'
import { Marks } from './checkpoints.ts'

function marksOf(marks: Marks<number>, seconds: number): number[] {
  const taken: number[] = []
  for (let tenth = 0; tenth <= seconds * 10; tenth++) {
    marks.pass(tenth * 100, () => {
      taken.push(tenth / 10)
      return tenth / 10
    })
  }
  return taken
}

test('Marks keeps one where the warm-up is set', () => {
  const marks = new Marks<number>(2500, false)
  expect(marks.first).toBeUndefined()
  expect(marks.from(0)).toBeUndefined()
  expect(marksOf(marks, 60)).toEqual([2.5])
  expect(marks.from(9000)).toEqual({ afterMs: 2500, mark: 2.5 })
})

test('Marks are whole seconds, and further apart the later they are', () => {
  const marks = new Marks<number>(1000, true)
  expect(marksOf(marks, 40)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40])
  expect(marks.first).toEqual({ afterMs: 1000, mark: 1 })
  expect(marks.from(0)!.mark).toBe(1)
  expect(marks.from(3000)!.mark).toBe(3)
  expect(marks.from(3040)!.mark).toBe(3)
  expect(marks.from(3100)!.mark).toBe(4)
  expect(marks.from(16_200)!.mark).toBe(20)
  expect(marks.from(90_000)!.mark).toBe(40)
})

test('Marks of a long run are few', () => {
  expect(marksOf(new Marks<number>(1000, true), 7200).length).toBeLessThan(50)
})

test('Marks takes a late reading for the place it was due at', () => {
  const marks = new Marks<number>(1000, true)
  marks.pass(1099, () => 1)
  marks.pass(3500, () => 2)
  marks.pass(3900, () => 3)
  marks.pass(4000, () => 4)
  expect(marks.from(2000)).toEqual({ afterMs: 2000, mark: 2 })
  expect(marks.from(2100)).toEqual({ afterMs: 4000, mark: 4 })
})
