import { createProtocol } from '../../harness/protocols/catalog.ts'
import { layeredProtocol } from '../../harness/protocols/layers/layered.ts'
import type { LayerSettings } from '../../harness/protocols/layers/settings.ts'
import type { BodyLayers } from '../../harness/protocols/protocol.ts'
import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import { Replies, type ReplySocket } from '../server/replies.ts'
import type { Connection, Service } from '../server/service.ts'

/**
 * A service whose messages pass through layers on their way in and out. An invalid message is malformed: the server counts
 * it as rejected and closes the connection. The inner service reads and writes plain frames.
 */
export function layeredService(service: Service, spec: ProtocolSpec, settings: LayerSettings): Service {
  const protocol = layeredProtocol(service.protocol, settings)
  const taken = protocol.layers!
  // The limit is for requests, not for replies.
  const unbounded = spec.name === 'raw' ? spec : { ...spec, maxFrame: Number.MAX_SAFE_INTEGER }
  const sent = layeredProtocol(createProtocol(unbounded), settings).layers!
  const plainReplies = new Replies()
  const gathered = new Gathered()

  /** Lets the service write plain replies, and passes them on with their layers. */
  function wrap(connection: Connection, replies: Replies, write: (plain: Replies) => void): void {
    plainReplies.start(gathered)
    write(plainReplies)
    plainReplies.flush()
    try {
      for (const frame of gathered.takeFrames(sent)) replies.append(sent.wrapFrame(frame))
    } catch (error) {
      // With its layers the reply is too long for its length field.
      if (!(error instanceof RangeError)) throw error
      connection.reject()
    }
  }

  return {
    ...service,
    protocol,
    message(connection, bytes, from, end, replies) {
      const frame = taken.unwrapFrame(bytes, from, end)!
      wrap(connection, replies, plain => service.message(connection, frame, 0, frame.length, plain))
    },
    ...(service.overlong && {
      overlong: (connection, bytes, from, replies) =>
        wrap(connection, replies, plain => service.overlong!(connection, bytes, from, plain)),
    }),
    ...(service.refuse && {
      refuse: (connection, reason, replies) =>
        wrap(connection, replies, plain => service.refuse!(connection, reason, plain)),
    }),
    ...(service.finish && {
      finish: (connection, replies) => wrap(connection, replies, plain => service.finish!(connection, plain)),
    }),
  }
}

/** Collects plain replies in place of a socket. */
class Gathered implements ReplySocket {
  readonly queuedBytes = 0
  #parts: Uint8Array[] = []

  write(bytes: Uint8Array): boolean {
    this.#parts.push(bytes.slice())
    return true
  }

  /** The frames written since the last call. */
  takeFrames({ plain }: BodyLayers): Uint8Array[] {
    const [first, ...others] = this.#parts
    this.#parts = []
    if (first === undefined) return []
    const bytes = others.length === 0 ? first : Buffer.concat([first, ...others])
    const frames: Uint8Array[] = []
    for (let from = 0; from < bytes.length; ) {
      const end = plain.frameEnd(bytes, from, bytes.length, 0)
      frames.push(bytes.subarray(from, end))
      from = end
    }
    return frames
  }
}
