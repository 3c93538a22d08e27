import { formatSize } from '../../units.ts'
import { cutAt, singleBytes, splitOffsets } from '../cuts.ts'
import { ServerFault } from '../fault.ts'
import { inParallel } from '../parallel.ts'
import { type Subject, validRequests } from '../subject.ts'
import type { Trial } from '../trial.ts'
import type { Workbench } from '../workbench.ts'

/** Connections that are cut at different places at once: no more than a server with the shortest queue bears. */
const cutsAtOnce = 4
const gluedCount = 10
const gluedBytesMax = 64 * 1024 * 1024

/** Valid requests, however they are cut and glued: each is to be answered once. */
export const framingTrials: readonly Trial[] = [
  {
    name: 'valid',
    does: 'one whole request: one reply',
    async run(workbench) {
      const { reply } = await workbench.exchange()
      return `one reply of ${formatSize(reply.bytes)}`
    },
  },
  {
    name: 'split',
    does: 'a request cut in two at every offset, each on its own connection: one reply',
    unfit: subject => unsplit(subject),
    run: split,
  },
  {
    name: 'byte-by-byte',
    does: 'a request written byte by byte: one reply',
    unfit: subject => unsplit(subject),
    async run(workbench) {
      const client = await workbench.open()
      const pieces = singleBytes(validRequests(workbench.subject, 1)[0]!)
      await workbench.writeApart(client, pieces, () => 0)
      await workbench.replies(client, 1)
      return `${pieces.length} writes, one reply`
    },
  },
  {
    name: 'glued',
    does: `${gluedCount} requests in one write: exactly ${gluedCount} replies`,
    unfit: unglued,
    async run(workbench) {
      const client = await workbench.open()
      await workbench.write(client, Buffer.concat(validRequests(workbench.subject, gluedCount)))
      await workbench.replies(client, gluedCount)
      return `${gluedCount} replies`
    },
  },
  {
    name: 'glued-and-cut',
    does: `${gluedCount} requests end to end, each cut in its middle: exactly ${gluedCount} replies`,
    unfit: subject => unsplit(subject) ?? unglued(subject),
    async run(workbench) {
      const client = await workbench.open()
      const { length } = workbench.subject.request
      const middles = Array.from({ length: gluedCount }, (_, index) => index * length + Math.ceil(length / 2))
      const pieces = cutAt(Buffer.concat(validRequests(workbench.subject, gluedCount)), middles)
      await workbench.writeApart(client, pieces, piece => piece)
      await workbench.replies(client, gluedCount)
      return `${pieces.length} writes, ${gluedCount} replies`
    },
  },
]

async function split(workbench: Workbench): Promise<string> {
  const [request] = validRequests(workbench.subject, 1)
  const offsets = splitOffsets(request!.length)
  await inParallel(offsets, cutsAtOnce, async offset => {
    try {
      const client = await workbench.open()
      await workbench.writeApart(client, cutAt(request!, [offset]), () => 0)
      await workbench.replies(client, 1)
      client.leave()
    } catch (error) {
      if (!(error instanceof ServerFault)) throw error
      throw new ServerFault(`cut after ${offset} of ${request!.length} bytes: ${error.message}`)
    }
  })
  return `${offsets.length} offsets of ${request!.length} bytes, one reply each`
}

/** Why a request cannot be cut, or cannot be told to be whole. */
function unsplit({ spec, request }: Subject): string | undefined {
  if (request.length < 2) return 'a request of one byte cannot be cut'
  return unframed(spec)
}

function unglued({ spec, request, closes }: Subject): string | undefined {
  if (closes) return 'the server ends a connection after one reply'
  if (request.length * gluedCount > gluedBytesMax) return `${gluedCount} requests are more than is sent here`
  return unframed(spec)
}

function unframed(spec: Subject['spec']): string | undefined {
  const isUnframed = spec.name === 'raw' && spec.replyBytes !== undefined
  return isUnframed ? 'raw: where a request ends is not in its bytes, and replies are all of one length' : undefined
}
