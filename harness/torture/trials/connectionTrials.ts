import { fileDescriptorsMax } from '../../host/processes.ts'
import { splitOffsets, spread } from '../cuts.ts'
import { ServerFault } from '../fault.ts'
import { inParallel } from '../parallel.ts'
import type { RawClient } from '../rawClient.ts'
import { type Subject, validRequests } from '../subject.ts'
import type { Trial } from '../trial.ts'
import type { Workbench } from '../workbench.ts'
import { outcomeOf } from './lengthTrials.ts'

/** Offsets at which a request is left incomplete. */
const cutsMax = 8
const hastyCount = 100
const crowdCount = 1000
/** File descriptors that this process needs besides the crowd. */
const ownDescriptors = 64
/** Bytes of memory that a server may use per connection: buffers in both directions, or the used part of a thread's stack. */
const memoryOfConnection = 256 * 1024
const inFlightMax = 100

/** Connections that stop, close or break at the wrong moment, and many at once. */
export const connectionTrials: readonly Trial[] = [
  {
    name: 'half-a-frame',
    does: 'part of a request, then silence: others are served meanwhile',
    unfit: tooShort,
    async run(workbench) {
      const clients = await openIncomplete(workbench)
      await clients[0]!.until(() => false, workbench.times.heldMs)
      await workbench.othersServed()
      const left = clients.filter(client => !client.isOver).length
      return `${connections(clients.length)}, ${left === 0 ? 'all closed' : `${left} left open`} by the server`
    },
  },
  {
    name: 'end-mid-frame',
    does: 'part of a request, then our side is closed: no harm to others',
    unfit: tooShort,
    async run(workbench) {
      const clients = await openIncomplete(workbench)
      for (const client of clients) client.end()
      await Promise.all(clients.map(client => client.until(() => client.isOver, workbench.times.heldMs)))
      await workbench.othersServed()
      return `${connections(clients.length)}: ${summary(clients.map(outcomeOf))}`
    },
  },
  {
    name: 'reset-mid-frame',
    does: 'part of a request, or many whole ones, then a reset: no harm to others',
    async run(workbench) {
      const clients = tooShort(workbench.subject) === undefined ? await openIncomplete(workbench) : []
      for (const client of clients) client.reset()
      const busy = await workbench.open()
      await workbench.write(busy, Buffer.concat(validRequests(workbench.subject, inFlightCount(workbench.subject))))
      busy.reset()
      await workbench.othersServed()
      return `${connections(clients.length + 1)} reset`
    },
  },
  {
    name: 'connect-and-close',
    does: `${hastyCount} connections, immediately closed or reset: no harm to others`,
    async run(workbench) {
      const hasty = Array.from({ length: hastyCount }, async (_, index) => {
        const client = await workbench.connect()
        if (index % 2 === 0) client.destroy()
        else client.reset()
      })
      await Promise.all(hasty)
      await workbench.othersServed()
      return connections(hastyCount)
    },
  },
  {
    name: 'crowd',
    does: `${crowdCount} connections at once, a valid request on each: every one is answered`,
    unfit: () => (crowdSize() < hastyCount ? 'this process may open too few file descriptors' : undefined),
    memoryBytes: ({ request }) => crowdCount * (memoryOfConnection + 2 * request.length),
    run: crowd,
  },
]

/** One connection for each of a few offsets, on which the request was sent up to that offset. */
async function openIncomplete(workbench: Workbench): Promise<RawClient[]> {
  const [request] = validRequests(workbench.subject, 1)
  const clients: RawClient[] = []
  await inParallel(spread(splitOffsets(request!.length), cutsMax), cutsMax, async offset => {
    const client = await workbench.open()
    clients.push(client)
    await workbench.write(client, request!.subarray(0, offset))
    await workbench.rest(client)
  })
  return clients
}

async function crowd(workbench: Workbench): Promise<string> {
  const count = crowdSize()
  const [request] = validRequests(workbench.subject, 1)
  const ms = Math.max(workbench.timeoutMs, workbench.times.crowdMsMin)
  const outcomes = await Promise.all(
    Array.from({ length: count }, async () => {
      try {
        const client = await workbench.open(ms)
        await workbench.write(client, request!)
        await workbench.replies(client, 1, ms)
        return undefined
      } catch (error) {
        if (error instanceof ServerFault) return error.message
        throw error
      }
    }),
  )
  const faults = outcomes.filter(outcome => outcome !== undefined)
  if (faults.length > 0) throw new ServerFault(`${faults.length} of ${count}: ${summary(faults)}`)
  return `${connections(count)}, all answered${count < crowdCount ? '; this process may not open more' : ''}`
}

function crowdSize(): number {
  return Math.min(crowdCount, fileDescriptorsMax() - ownDescriptors)
}

/** Requests in flight when a connection breaks: at most 1 MiB of them. */
function inFlightCount({ request }: Subject): number {
  return Math.max(1, Math.min(inFlightMax, Math.floor((1024 * 1024) / request.length)))
}

function tooShort({ request }: Subject): string | undefined {
  return request.length < 2 ? 'a request of one byte cannot be incomplete' : undefined
}

function connections(count: number): string {
  return count === 1 ? '1 connection' : `${count} connections`
}

/** The outcomes with their counts, the most frequent first. */
function summary(outcomes: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  if (sorted.length === 1) return sorted[0]![0]
  return sorted.map(([outcome, count]) => `${count} ${outcome}`).join(', ')
}
