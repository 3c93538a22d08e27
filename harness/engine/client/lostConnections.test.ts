import { describe, expect, test } from 'vitest'
import { field } from '../../metrics/slab.ts'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import { lineServer, type Simulated, simulate, startMs } from './testing/simulate.ts'

const never = { when: 'never', backoff: { min: 10, max: 80 } } as const
const slowly = { mode: 'rate', pipeline: 1, arrivals: 'constant', rate: 5 } as const

/** Answers each line at once, and closes what has been silent for `idleMs` since it was opened or last asked. */
function closingIdle(idleMs: number, end: (connection: MemoryConnection) => void = c => c.close()): MemoryServer {
  const generation = new Map<MemoryConnection, number>()
  const watch = (connection: MemoryConnection) => {
    const current = (generation.get(connection) ?? 0) + 1
    generation.set(connection, current)
    return current
  }
  return {
    accepted(connection) {
      watch(connection)
      connection.close(idleMs)
    },
    received(connection, bytes) {
      watch(connection)
      connection.send(bytes, 1)
      // The end is later than that of `accepted`, which wins where the connection stays silent.
      if (end !== undefined) setImmediateClose(connection, idleMs, end)
    },
  }
}

function setImmediateClose(connection: MemoryConnection, idleMs: number, end: (c: MemoryConnection) => void): void {
  if (end.length > 0) connection.close(idleMs)
}

function idleCloses({ collector }: Simulated): number {
  return collector.total(field.idleCloses)
}
