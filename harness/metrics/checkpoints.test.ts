import { expect, test } from 'vitest'
import { Checkpoints } from './checkpoints.ts'

function takenBy(checkpoints: Checkpoints<number>, seconds: number): number[] {
  const taken: number[] = []
  for (let tenth = 0; tenth <= seconds * 10; tenth++) {
    checkpoints.pass(tenth * 100, () => {
      taken.push(tenth / 10)
      return tenth / 10
    })
  }
  return taken
}

test('Checkpoints keeps a single one if the warm-up is set', () => {
  const checkpoints = new Checkpoints<number>(2500, false)
  expect(checkpoints.first).toBeUndefined()
  expect(checkpoints.from(0)).toBeUndefined()
  expect(takenBy(checkpoints, 60)).toEqual([2.5])
  expect(checkpoints.from(9000)).toEqual({ afterMs: 2500, checkpoint: 2.5 })
})

test('Checkpoints keeps whole seconds, which are further apart the later they are', () => {
  const checkpoints = new Checkpoints<number>(1000, true)
  expect(takenBy(checkpoints, 40)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40])
  expect(checkpoints.first).toEqual({ afterMs: 1000, checkpoint: 1 })
  expect(checkpoints.from(0)!.checkpoint).toBe(1)
  expect(checkpoints.from(3000)!.checkpoint).toBe(3)
  expect(checkpoints.from(3040)!.checkpoint).toBe(3)
  expect(checkpoints.from(3100)!.checkpoint).toBe(4)
  expect(checkpoints.from(16_200)!.checkpoint).toBe(20)
  expect(checkpoints.from(90_000)!.checkpoint).toBe(40)
})

test('Checkpoints keeps few in a long run', () => {
  expect(takenBy(new Checkpoints<number>(1000, true), 7200).length).toBeLessThan(50)
})

test('Checkpoints records a late reading at the time at which it was due', () => {
  const checkpoints = new Checkpoints<number>(1000, true)
  checkpoints.pass(1099, () => 1)
  checkpoints.pass(3500, () => 2)
  checkpoints.pass(3900, () => 3)
  checkpoints.pass(4000, () => 4)
  expect(checkpoints.from(2000)).toEqual({ afterMs: 2000, checkpoint: 2 })
  expect(checkpoints.from(2100)).toEqual({ afterMs: 4000, checkpoint: 4 })
})
