import { formatSize } from '../../units.ts'
import { cutAt, singleBytes, splitOffsets } from '../cuts.ts'
import { ServerFault } from '../fault.ts'
import { inParallel } from '../parallel.ts'
import { type Subject, validRequests } from '../subject.ts'
import type { Trial } from '../trial.ts'
import type { Workbench } from '../workbench.ts'

/** Connections open at once: no more than the shortest listen queue holds. */
const cutsAtOnce = 4
const gluedCount = 10
const gluedBytesMax = 64 * 1024 * 1024

/** Valid requests, cut and glued: each must be answered exactly once. */
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
    unfit: subject => whyNotSplit(subject),
    run: split,
  },
  {
    name: 'byte-by-byte',
    does: 'a request written byte by byte: one reply',
    unfit: subject => whyNotSplit(subject),
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
    unfit: whyNotGlued,
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
    unfit: subject => whyNotSplit(subject) ?? whyNotGlued(subject),
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
      client.closeGracefully()
    } catch (error) {
      if (!(error instanceof ServerFault)) throw error
      throw new ServerFault(`cut after ${offset} of ${request!.length} bytes: ${error.message}`)
    }
  })
  return `${offsets.length} offsets of ${request!.length} bytes, one reply each`
}

/** Why a request cannot be cut; undefined if it can. */
function whyNotSplit({ spec, request }: Subject): string | undefined {
  if (request.length < 2) return 'a request of one byte cannot be cut'
  return whyAmbiguous(spec)
}

/** Why requests cannot be glued; undefined if they can. */
function whyNotGlued({ spec, request, closes }: Subject): string | undefined {
  if (closes) return 'the server closes each connection after one reply'
  if (request.length * gluedCount > gluedBytesMax)
    return `${gluedCount} requests exceed the ${formatSize(gluedBytesMax)} that are sent`
  return whyAmbiguous(spec)
}

function whyAmbiguous(spec: Subject['spec']): string | undefined {
  const isAmbiguous = spec.name === 'raw' && spec.replyBytes !== undefined
  return isAmbiguous ? 'raw: its bytes do not show where a request ends, and all replies have one length' : undefined
}
