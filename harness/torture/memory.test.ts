import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ProcessMemory } from '../host/processes.ts'
import { memoryFault, watchMemory } from './memory.ts'

const mebi = 1024 * 1024
const allowance = { frameBytes: mebi, requestBytes: 0, extraBytes: 0, announces: false }
const rise = { beforeBytes: 50 * mebi, residentBytes: 0, dataBytes: 0 }

describe('watchMemory()', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('reports the highest rise, even if the memory has been freed when it stops', () => {
    let memory: ProcessMemory | undefined = { residentBytes: 100, dataBytes: 1000 }
    const watch = watchMemory(() => memory)
    memory = { residentBytes: 170, dataBytes: 1400 }
    vi.advanceTimersByTime(50)
    memory = { residentBytes: 90, dataBytes: 900 }
    vi.advanceTimersByTime(50)
    expect(watch.rise()).toEqual({ beforeBytes: 100, residentBytes: 70, dataBytes: 400 })
    expect(watch.stop()).toEqual({ beforeBytes: 100, residentBytes: 70, dataBytes: 400 })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('sees memory that is allocated after other memory was freed', () => {
    let memory = { residentBytes: 1, dataBytes: 6000 }
    const watch = watchMemory(() => memory)
    memory = { residentBytes: 1, dataBytes: 100 }
    vi.advanceTimersByTime(50)
    memory = { residentBytes: 1, dataBytes: 2100 }
    expect(watch.stop()?.dataBytes).toBe(2000)
  })

  test('reports nothing for a process that does not exist, and accepts one that exits', () => {
    expect(watchMemory(() => undefined).stop()).toBeUndefined()
    let memory: ProcessMemory | undefined = { residentBytes: 5, dataBytes: 5 }
    const watch = watchMemory(() => memory)
    memory = undefined
    vi.advanceTimersByTime(50)
    expect(watch.stop()).toEqual({ beforeBytes: 5, residentBytes: 0, dataBytes: 0 })
  })
})

describe('memoryFault()', () => {
  test('allows what any server may use, and no more', () => {
    expect(memoryFault({ ...rise, residentBytes: 64 * mebi }, allowance)).toBeUndefined()
    expect(memoryFault({ ...rise, residentBytes: 65 * mebi }, allowance)).toBe(
      'memory rose by 65 MiB, more than 64 MiB',
    )
  })

  test('allows more for a large heap, for large messages, and if a trial does', () => {
    const risen = { ...rise, residentBytes: 100 * mebi }
    expect(memoryFault({ ...risen, beforeBytes: 200 * mebi }, allowance)).toBeUndefined()
    expect(memoryFault(risen, { ...allowance, frameBytes: 50 * mebi })).toBeUndefined()
    expect(memoryFault(risen, { ...allowance, requestBytes: 2 * mebi })).toBeUndefined()
    expect(memoryFault(risen, { ...allowance, extraBytes: 36 * mebi })).toBeUndefined()
    expect(memoryFault(risen, { ...allowance, extraBytes: 35 * mebi })).toContain('more than 99 MiB')
  })

  test('finds memory that is allocated but untouched, if more was announced than sent', () => {
    const allocating = { ...rise, dataBytes: 2048 * mebi }
    expect(memoryFault(allocating, allowance)).toBeUndefined()
    expect(memoryFault(allocating, { ...allowance, announces: true })).toBe(
      '2 GiB of memory was allocated for a length that was only announced',
    )
    expect(memoryFault({ ...rise, dataBytes: 1023 * mebi }, { ...allowance, announces: true })).toBeUndefined()
  })
})
