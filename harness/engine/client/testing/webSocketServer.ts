import { clientFrame, upgraded } from '../../../protocols/testing/webSocketFrames.ts'
import type { MemoryConnection, MemoryServer } from '../../../transports/memory.ts'

/** What a server in memory does with a frame of its client. */
export type Answering = (
  connection: MemoryConnection,
  message: { readonly type: number; readonly body: Buffer },
) => void

export interface WebSocketServer extends MemoryServer {
  /** The requests for an upgrade. */
  readonly upgrades: string[]
}

/** A server in memory that answers the upgrade, and gives each frame of a client to `answer`. */
export function webSocketServer(answer: Answering, upgrade = upgraded): WebSocketServer {
  const upgrades: string[] = []
  const partial = new Map<MemoryConnection, Buffer>()
  const isUpgraded = new Set<MemoryConnection>()
  return {
    upgrades,
    received(connection, bytes) {
      let rest = Buffer.concat([partial.get(connection) ?? Buffer.alloc(0), bytes])
      if (!isUpgraded.has(connection)) {
        const end = rest.indexOf('\r\n\r\n')
        if (end < 0) throw new Error('the upgrade came in pieces')
        upgrades.push(rest.subarray(0, end + 4).toString())
        rest = rest.subarray(end + 4)
        isUpgraded.add(connection)
        connection.send(Buffer.from(upgrade), 1)
      }
      for (let next = clientFrame(rest); next !== undefined; next = clientFrame(rest)) {
        rest = rest.subarray(next.length)
        answer(connection, next)
      }
      partial.set(connection, rest)
    },
  }
}
