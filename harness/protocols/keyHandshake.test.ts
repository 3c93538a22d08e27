import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { composeProtocol } from './composed.ts'
import { createKeyHandshakeClient } from './keyHandshake.ts'
import type { LayerSettings } from './layers/settings.ts'
import { protocolSpec } from './spec.ts'

const key = 'secret'
const challenge = Buffer.from('0123456789abcdefghij')
const types = { challenge: 0xffff_fff1, welcome: 0xffff_fff3, refusal: 0xffff_fff4 }

function clientOver(layers?: LayerSettings) {
  const protocol = composeProtocol({ spec: protocolSpec('tlv'), ...(layers && { layers }), overUdp: false })
  return { protocol, handshake: createKeyHandshakeClient(protocol, key) }
}

/** A TLV frame as bytes, built without the codec. */
function tlvFrame(type: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32BE(body.length, 0)
  header.writeUInt32BE(type, 4)
  return Buffer.concat([header, body])
}

describe('createKeyHandshakeClient()', () => {
  test('says hello with an empty message of its own type', () => {
    expect(Buffer.from(clientOver().handshake.helloFrame()).toString('hex')).toBe('00000000fffffff0')
  })

  test('answers a challenge with its HMAC-SHA1, wherever the frame lies in the bytes', () => {
    const { handshake } = clientOver()
    const signature = createHmac('sha1', key).update(challenge).digest()
    const frame = tlvFrame(types.challenge, challenge)
    const shifted = Buffer.concat([Buffer.alloc(5), frame, Buffer.alloc(3)])
    for (const [bytes, from] of [
      [frame, 0],
      [shifted, 5],
    ] as const) {
      expect(Buffer.from(handshake.signature(bytes, from, from + frame.length))).toEqual(signature)
      const answer = handshake.signatureFrame(bytes, from, from + frame.length)
      expect(Buffer.from(answer)).toEqual(tlvFrame(0xffff_fff2, signature))
    }
  })

  test.each([
    ['challenge', types.challenge],
    ['welcome', types.welcome],
    ['refusal', types.refusal],
    ['other', 1],
    ['other', 0xffff_fff0],
  ])('recognizes a %s, by the type %i', (kind, type) => {
    const { handshake } = clientOver()
    const frame = tlvFrame(type, Buffer.from('x'))
    expect(handshake.kindOf(frame, 0, frame.length)).toBe(kind)
  })

  test('signs what is inside the layers, and puts its own messages into them', () => {
    const { protocol, handshake } = clientOver({ names: ['gzip', 'hmac-sha256'], key: 'layers' })
    const frame = protocol.encode({ type: types.challenge, body: challenge })
    expect(handshake.kindOf(frame, 0, frame.length)).toBe('challenge')
    const answer = handshake.signatureFrame(frame, 0, frame.length)
    const signature = createHmac('sha1', key).update(challenge).digest()
    expect(Buffer.from(protocol.decode(answer, 0, answer.length).body)).toEqual(signature)
    const hello = handshake.helloFrame()
    expect(protocol.decode(hello, 0, hello.length).body).toHaveLength(0)
  })

  test('needs a protocol that has such a handshake', () => {
    const line = composeProtocol({ spec: protocolSpec('line'), overUdp: false })
    expect(() => createKeyHandshakeClient(line, key)).toThrow('line has no handshake with a key')
  })
})
