import { randomBytes, timingSafeEqual } from 'node:crypto'
import { assert } from '../../harness/errors.ts'
import type { Service } from '../server/service.ts'
import { type Authentication, authenticatedService } from './handshake.ts'

const wrongKeyText = 'the key is wrong'
const handshakeFirstText = 'this server has a key: the handshake comes first'
const lateText = 'the handshake took too long'

/**
 * A service for clients that know the key: on each connection nothing is served until the protocol's own handshake is done.
 * A client that sends anything else, signs wrongly or takes too long gets a refusal, and its connection is closed.
 */
export function keyedService(service: Service, key: string, withinMs?: number): Service {
  const { protocol } = service
  const { keyHandshake } = protocol
  assert(keyHandshake !== undefined, `${protocol.name} has no handshake with a key`)
  const { helloType, challengeType, signatureType, welcomeType, refusalType, challengeBytes, sign } = keyHandshake
  const encode = (type: number, body: Uint8Array) => protocol.encode({ type, body })
  const refusal = (text: string) => encode(refusalType, new TextEncoder().encode(text))
  const [wrongKeyFrame, handshakeFirstFrame] = [refusal(wrongKeyText), refusal(handshakeFirstText)]
  const welcome = encode(welcomeType, new Uint8Array(0))

  const authentication: Authentication = {
    lateFrame: refusal(lateText),
    overlongFrame: handshakeFirstFrame,
    begin() {
      /** What the client must sign; undefined until it has said hello. */
      let challenge: Uint8Array | undefined
      return {
        message(bytes, from, end, replies) {
          const { type, body } = protocol.decode(bytes, from, end)
          if (type !== (challenge === undefined ? helloType : signatureType)) return handshakeFirstFrame
          if (challenge === undefined) {
            challenge = randomBytes(challengeBytes)
            replies.append(encode(challengeType, challenge))
            return 'more'
          }
          const signature = sign(key, challenge)
          // The length is no secret, and a comparison in constant time needs equal lengths.
          if (body.length !== signature.length || !timingSafeEqual(body, signature)) return wrongKeyFrame
          replies.append(welcome)
          return 'done'
        },
      }
    },
  }
  return authenticatedService(service, authentication, withinMs)
}
