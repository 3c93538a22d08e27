import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { DirectSocket } from '../socket.ts'
import { type NullReplies, nothingOwed, type Owed } from './owed.ts'

const bufferBytes = 64 * 1024
const backlog = 4096
/** How often the signal to stop is looked for. */
const stopMs = 50

/** A server that listens and answers already. */
export interface NodeNullServer {
  /** 0 for a unix socket. */
  readonly port: number
  /** Resolves when it is stopped and every connection is closed; throws when connections cannot be accepted. */
  run(isStopped: () => boolean): Promise<void>
}

/** The null server without epoll: all reads go into one buffer, and writes go to the kernel within the event. */
export async function listenByNode(replies: NullReplies, path?: string): Promise<NodeNullServer> {
  const readBuffer = new Uint8Array(bufferBytes)
  const sockets = new Set<DirectSocket>()
  const freeLinks: number[] = []
  let links = 0
  let output = new Uint8Array(bufferBytes)

  function writeOwed(socket: DirectSocket, owed: Owed): void {
    const { block, at, left, isShared } = owed
    const length = Math.min(block.length - at, left, isShared ? bufferBytes : Number.POSITIVE_INFINITY)
    // The next event reuses the block: what the kernel does not take at once must be elsewhere.
    if (isShared) output.set(block.subarray(at, at + length))
    const isTaken = socket.write(isShared ? output.subarray(0, length) : block.subarray(at, at + length))
    if (!isTaken && isShared) output = new Uint8Array(bufferBytes)
    owed.left -= length
    owed.at = (at + length) % block.length
  }

  function accept(accepted: net.Socket): void {
    const link = freeLinks.pop() ?? links++
    const owed = nothingOwed()
    const socket = DirectSocket.accept(accepted, readBuffer, {
      data(buffer, bytes) {
        if (!replies.answer(owed, link, buffer, bytes)) {
          socket.destroy()
          return
        }
        while (owed.left > 0) writeOwed(socket, owed)
        // Nothing more is read until this is written, so that at most one read is kept for a connection.
        if (socket.queuedBytes > 0) socket.socket.pause()
      },
      drained() {
        socket.socket.resume()
      },
      closed() {
        sockets.delete(socket)
        replies.drop(link)
        freeLinks.push(link)
      },
    })
    sockets.add(socket)
  }

  const server = net.createServer({ pauseOnConnect: true, noDelay: true }, accept)
  server.listen(path === undefined ? { host: '127.0.0.1', port: 0, backlog } : { path, backlog })
  await once(server, 'listening')
  let failure: Error | undefined
  server.on('error', error => {
    failure = error
  })
  const bound = server.address() as net.AddressInfo | string
  return {
    port: typeof bound === 'string' ? 0 : bound.port,
    async run(isStopped) {
      while (!isStopped() && failure === undefined) await sleep(stopMs)
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
      if (failure !== undefined) throw failure
    },
  }
}
