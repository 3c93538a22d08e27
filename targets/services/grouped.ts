import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Message } from '../../harness/protocols/protocol.ts'
import type { Service } from '../server/service.ts'
import { type Authentication, authenticatedService } from './handshake.ts'

/** The command types of the handshake: a client's login and its answer, and a refusal in place of that. */
export const loginType = 9
export const refusedType = 10

const tokenBytes = 16
const wrongText = 'the group or its secret is wrong'
const loginFirstText = 'this server has a group: the login comes first'
const lateText = 'the login took too long'

/** A group of clients, and what they show to belong to it. */
export interface Group {
  readonly id: string
  readonly secret: string
}

/**
 * An RPC service for the clients of a group: the first message of a connection must be a login with the group's id and
 * secret, as `id:secret` or as JSON. It is answered with a token, another one for each connection; whoever sends something
 * else or takes too long is told so, and the connection ended.
 */
export function groupedService(service: Service, group: Group, withinMs?: number): Service {
  const { protocol } = service
  const wanted = digestOf(group)
  /** The answer to a request, under its opaque; without one under none. */
  const refusal = (text: string, request: Omit<Message, 'body'> = {}) =>
    protocol.encode({ ...request, type: refusedType, body: new TextEncoder().encode(text) })

  const authentication: Authentication = {
    lateFrame: refusal(lateText),
    overlongFrame: refusal(loginFirstText),
    begin: () => ({
      message(bytes, from, end, replies) {
        const request = protocol.decode(bytes, from, end)
        if (request.type !== loginType) return refusal(loginFirstText, request)
        // Digests are equally long whatever was sent, so that the time to compare them tells nothing.
        if (!timingSafeEqual(digestOf(readLogin(request.body)), wanted)) return refusal(wrongText, request)
        const body = JSON.stringify({ access: { token: randomBytes(tokenBytes).toString('hex') } })
        replies.append(protocol.encode({ ...request, body: new TextEncoder().encode(body) }))
        return 'done'
      },
    }),
  }
  return authenticatedService(service, authentication, withinMs)
}

/** What a login says; what is none says nothing, which is no group's. */
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
