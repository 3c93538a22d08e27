import { setImmediate as nextTurn } from 'node:timers/promises'
import { formatSize } from '../../units.ts'
import type { RawClient } from '../rawClient.ts'
import { idOf, type Subject, validRequests } from '../subject.ts'
import type { Trial } from '../trial.ts'
import type { Workbench } from '../workbench.ts'

/** Bytes written at a time, rounded to whole requests. */
const blockBytes = 64 * 1024
/** Far more than any bounded buffer of a server or kernel holds. */
const writtenBytesMax = 256 * 1024 * 1024

/** A client that sends requests and reads no reply: unread replies must not pile up in the server. */
export const slowReaderTrial: Trial = {
  name: 'slow-reader',
  does: 'endless requests whose replies are never read: others are served, memory stays bounded',
  unfit: ({ closes }) => (closes ? 'the server closes each connection after one reply' : undefined),
  async run(workbench) {
    const client = await workbench.open()
    client.pause()
    const { stalledMs, floodMsMax } = workbench.times
    const block = createBlock(workbench.subject)
    const deadline = performance.now() + floodMsMax
    let written = 0
    let hasStopped = false
    async function flood(): Promise<void> {
      while (
        written < writtenBytesMax &&
        performance.now() < deadline &&
        !client.isClosed &&
        !workbench.exceedsMemoryLimit()
      ) {
        const bytes = block()
        hasStopped = !(await client.write(bytes, stalledMs)) && (await isStalled(workbench, client))
        if (hasStopped) return
        written += bytes.length
        // Writes that the kernel accepts immediately would keep the other connections from running.
        await nextTurn()
      }
    }
    await Promise.all([flood(), workbench.othersServed()])
    await workbench.othersServed()
    const end = client.isClosed
      ? 'then the connection closed'
      : hasStopped
        ? 'then the server stopped reading'
        : 'and the server was still reading'
    client.destroy()
    return `${formatSize(written)} accepted, ${end}`
  },
}

/** Whether the server still accepts nothing after others were served: before that it may just be slow. */
async function isStalled(workbench: Workbench, client: RawClient): Promise<boolean> {
  await workbench.othersServed()
  return !(await client.until(() => client.queuedBytes === 0, workbench.times.stalledMs, 'closed'))
}

/** Makes blocks of requests whose ids were not used recently. */
function createBlock(subject: Subject): () => Uint8Array {
  const { request, protocol } = subject
  const count = Math.max(1, Math.floor(blockBytes / request.length))
  const frames = Buffer.concat(validRequests(subject, count))
  const { requestId, seal } = protocol
  let sent = 0
  return () => {
    // The socket may still be sending the last block.
    const block = Uint8Array.from(frames)
    if (requestId !== undefined) {
      for (let index = 0; index < count; index++) {
        const at = index * request.length
        requestId.write(block, at, idOf(requestId.max, sent++))
        seal?.(block, at, at + request.length)
      }
    }
    return block
  }
}
