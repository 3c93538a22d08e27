import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Message } from '../../harness/protocols/protocol.ts'
import type { Service } from '../server/service.ts'
import { type Authentication, authenticatedService } from './handshake.ts'

/** The command types of the handshake: a login and its answer, and a refusal in place of the answer. */
export const loginType = 9
export const refusedType = 10

const tokenBytes = 16
const wrongText = 'the group or its secret is wrong'
const loginFirstText = 'this server has a group: the login comes first'
const lateText = 'the login took too long'

/** A group of clients, with the secret that proves that they belong to it. */
export interface Group {
  readonly id: string
  readonly secret: string
}

/**
 * An RPC service for the clients of a group: the first message of a connection must be a login with the group's id and
 * secret, as `id:secret` or as JSON. It is answered with a token that is different on each connection. A client that sends
 * anything else or takes too long gets a refusal, and its connection is closed.
 */
export function groupedService(service: Service, group: Group, withinMs?: number): Service {
  const { protocol } = service
  const wanted = digestOf(group)
  /** The refusal of a request, under its id if it has one. */
  const refusal = (text: string, request: Omit<Message, 'body'> = {}) =>
    protocol.encode({ ...request, type: refusedType, body: new TextEncoder().encode(text) })

  const authentication: Authentication = {
    lateFrame: refusal(lateText),
    overlongFrame: refusal(loginFirstText),
    begin: () => ({
      message(bytes, from, end, replies) {
        const request = protocol.decode(bytes, from, end)
        if (request.type !== loginType) return refusal(loginFirstText, request)
        // Digests have the same length whatever was sent, so that the time to compare them reveals nothing.
        if (!timingSafeEqual(digestOf(readLogin(request.body)), wanted)) return refusal(wrongText, request)
        const body = JSON.stringify({ access: { token: randomBytes(tokenBytes).toString('hex') } })
        replies.append(protocol.encode({ ...request, body: new TextEncoder().encode(body) }))
        return 'done'
      },
    }),
  }
  return authenticatedService(service, authentication, withinMs)
}

/** The group in a login; empty texts, which no group has, for any other text. */
function readLogin(body: Uint8Array): Group {
  const text = new TextDecoder().decode(body)
  if (!text.startsWith('{')) {
    const colon = text.indexOf(':')
    return { id: text.slice(0, Math.max(0, colon)), secret: text.slice(colon + 1) }
  }
  try {
    const { group, secret } = JSON.parse(text) as { group?: unknown; secret?: unknown }
    if (typeof group === 'string' && typeof secret === 'string') return { id: group, secret }
  } catch {
    // It only began like JSON.
  }
  return { id: '', secret: '' }
}

function digestOf({ id, secret }: Group): Uint8Array {
  return createHash('sha256')
    .update(JSON.stringify([id, secret]))
    .digest()
}
