import { setImmediate as nextTurn } from 'node:timers/promises'
import { formatSize } from '../../units.ts'
import type { RawClient } from '../rawClient.ts'
import { idOf, type Subject, validRequests } from '../subject.ts'
import type { Trial } from '../trial.ts'
import type { Workbench } from '../workbench.ts'

/** What is written at a time: a whole number of requests near to this. */
const blockBytes = 64 * 1024
/** Far more than any buffer of a server or a kernel that is bounded. */
const writtenBytesMax = 256 * 1024 * 1024
const writingMsMax = 8000
/** A server that takes nothing for so long, and serves others then, has stopped to read, as it should. */
const standingMs = 500

/** A client that asks and asks, and reads no answer: what it does not read must not pile up in the server. */
export const slowReaderTrial: Trial = {
  name: 'slow-reader',
  does: 'requests without end, of which no reply is read: others are served, memory stays bounded',
  unfit: ({ closes }) => (closes ? 'the server ends a connection after one reply' : undefined),
  async run(workbench) {
    const client = await workbench.open()
    client.pause()
    const block = createBlock(workbench.subject)
    const deadline = performance.now() + writingMsMax
    let written = 0
    let isStanding = false
    async function flood(): Promise<void> {
      while (
        written < writtenBytesMax &&
        performance.now() < deadline &&
        !client.isClosed &&
        !workbench.exceedsMemoryLimit()
      ) {
        const bytes = block()
        isStanding = !(await client.write(bytes, standingMs)) && (await isLeft(workbench, client))
        if (isStanding) return
        written += bytes.length
        // Writes that the kernel takes at once would leave the others no turn.
        await nextTurn()
      }
    }
    await Promise.all([flood(), workbench.othersServed()])
    await workbench.othersServed()
    const end = client.isClosed ? 'then it closed' : isStanding ? 'then it read no more' : 'and it would read more'
    client.destroy()
    return `${formatSize(written)} taken, ${end}`
  },
}

/** Whether what was written is not taken even when others are served: until then the server may only be slow. */
async function isLeft(workbench: Workbench, client: RawClient): Promise<boolean> {
  await workbench.othersServed()
  return !(await client.until(() => client.queuedBytes === 0, standingMs, true))
}

/** Makes requests one after the other, each with an id that was not used lately. */
function createBlock(subject: Subject): () => Uint8Array {
  const { request, protocol } = subject
  const count = Math.max(1, Math.floor(blockBytes / request.length))
  const frames = Buffer.concat(validRequests(subject, count))
  const { requestId } = protocol
  let sent = 0
  return () => {
    // The stream may still read from the last one.
    const block = Uint8Array.from(frames)
    if (requestId !== undefined) {
      for (let index = 0; index < count; index++) {
        requestId.write(block, index * request.length, idOf(requestId.bits, sent++))
      }
    }
    return block
  }
}
