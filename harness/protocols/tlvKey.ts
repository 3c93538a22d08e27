import { createHmac } from 'node:crypto'
import type { KeyHandshake } from './protocol.ts'

/** Bytes of a challenge, and of an HMAC-SHA1 (RFC 2104, FIPS 180-4). */
const challengeBytes = 20
const signatureBytes = 20

/** The handshake of TLV: four messages of reserved types, and a fifth in place of the last where the server says no. */
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
