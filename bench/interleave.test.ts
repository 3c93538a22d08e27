import { describe, expect, it } from 'vitest'
import { interleave, type Side } from './interleave.ts'

const quiet = { log: () => {}, signal: new AbortController().signal }

describe('interleave()', () => {
  it('runs the sides in turn and keeps their figures in order', async () => {
    const order: string[] = []
    const side = (name: string, rates: number[]): Side => ({
      name,
      command: `run ${name}`,
      run: async () => {
        order.push(name)
        return { requestsPerSecond: rates.shift()! }
      },
    })
    const records = await interleave([side('A', [1, 5, 3]), side('B', [10, 30, 20])], { rounds: 3, ...quiet })
    expect(order.join(' ')).toBe('A B A B A B')
    expect(records[0]).toEqual({
      name: 'A',
      command: 'run A',
      rounds: [1, 5, 3].map(requestsPerSecond => ({ figures: { requestsPerSecond } })),
      medians: { requestsPerSecond: 3 },
    })
    expect(records[1]!.medians).toEqual({ requestsPerSecond: 20 })
  })

  it('keeps a failure as the error of its round, and the other rounds', async () => {
    let turn = 0
    const run = async () => {
      if (++turn === 2) throw new Error('refused')
      return { p50Micros: turn }
    }
    const [record] = await interleave([{ name: 'A', command: '', run }], { rounds: 3, ...quiet })
    expect(record!.rounds).toEqual([
      { figures: { p50Micros: 1 } },
      { figures: {}, error: 'refused' },
      { figures: { p50Micros: 3 } },
    ])
    expect(record!.medians).toEqual({ p50Micros: 2 })
  })

  it('does not run a side again that failed twice', async () => {
    let runs = 0
    const run = async () => {
      runs++
      throw new Error('refused')
    }
    const [record] = await interleave([{ name: 'A', command: '', run }], { rounds: 5, ...quiet })
    expect(runs).toBe(2)
    expect(record!.rounds).toHaveLength(5)
    expect(record!.rounds.every(({ error }) => error === 'refused')).toBe(true)
  })

  it('ends at once when it is aborted', async () => {
    const stop = new AbortController()
    let runs = 0
    const run = async () => {
      runs++
      stop.abort()
      return {}
    }
    const sides = [{ name: 'A', command: '', run }]
    await expect(interleave(sides, { rounds: 5, log: () => {}, signal: stop.signal })).rejects.toThrow('abort')
    expect(runs).toBe(1)
  })
})
