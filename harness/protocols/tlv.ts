import { createHmac } from 'node:crypto'
import { announcesTooMuch } from './explanation.ts'
import { checkInteger, readUint32, writeUint32 } from './integers.ts'
import { incomplete, type KeyHandshake, type Protocol, tooLarge } from './protocol.ts'

/** The length of the value, u32, and the type, u32, both big-endian. */
export const tlvHeaderBytes = 8

/** Bytes of a challenge, and of its HMAC-SHA1 (RFC 2104, FIPS 180-4). */
const challengeBytes = 20
const signatureBytes = 20

/** The handshake of TLV: four messages of reserved types, and a fifth in place of the last for a refusal. */
export const tlvKeyHandshake: KeyHandshake = {
  helloType: 0xffff_fff0,
  challengeType: 0xffff_fff1,
  signatureType: 0xffff_fff2,
  welcomeType: 0xffff_fff3,
  refusalType: 0xffff_fff4,
  challengeBytes,
  signatureBytes,
  sign: (key, challenge) => createHmac('sha1', key).update(challenge).digest(),
}

/** Length, type, value. `maxFrame` bounds the value, in bytes. */
export function createTlv({ maxFrame }: { readonly maxFrame: number }): Protocol {
  return {
    name: 'tlv',
    frameBytesMax: tlvHeaderBytes + maxFrame,
    frameEnd(bytes, from, to) {
      if (to - from < tlvHeaderBytes) return incomplete
      const length = readUint32(bytes, from)
      if (length > maxFrame) return tooLarge
      const end = from + tlvHeaderBytes + length
      return end <= to ? end : incomplete
    },
    encode({ body, type = 0 }) {
      if (body.length > maxFrame) throw new RangeError(`a TLV value has at most ${maxFrame} bytes, not ${body.length}`)
      checkInteger('a TLV type', type, 0, 0xffff_ffff)
      const frame = new Uint8Array(tlvHeaderBytes + body.length)
      writeUint32(frame, 0, body.length)
      writeUint32(frame, 4, type)
      frame.set(body, tlvHeaderBytes)
      return frame
    },
    decode: (bytes, from, end) => ({
      body: bytes.subarray(from + tlvHeaderBytes, end),
      type: readUint32(bytes, from + 4),
    }),
    bodyStart: (_bytes, from) => from + tlvHeaderBytes,
    bodyEnd: (_bytes, _from, end) => end,
    type: { read: (bytes, from) => readUint32(bytes, from + 4) },
    // Sent by a server with a key, which accepts no other message before the handshake.
    isRefusal: (bytes, from) => readUint32(bytes, from + 4) === tlvKeyHandshake.refusalType,
    keyHandshake: tlvKeyHandshake,
    explain(bytes, from, to) {
      const length = to - from < tlvHeaderBytes ? 0 : readUint32(bytes, from)
      return length > maxFrame ? announcesTooMuch(length, maxFrame) : undefined
    },
    announcedBytes: (bytes, from, to) => (to - from < tlvHeaderBytes ? 0 : tlvHeaderBytes + readUint32(bytes, from)),
  }
}
