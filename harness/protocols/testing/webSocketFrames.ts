/* Frames of WebSocket, built and read by hand from RFC 6455: not by the code that they test. */

/** The answer to the key that clients send here, as the RFC has it. */
export const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
export const upgraded = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`

/** A frame as a server sends it, or with a mask. */
export function frame(type: number, body: Uint8Array | string = '', mask?: readonly number[]): Buffer {
  const bytes = Buffer.from(body as string)
  const bit = mask === undefined ? 0 : 0x80
  const short = Buffer.from([type, bit | bytes.length])
  const medium = Buffer.from([type, bit | 126, bytes.length >> 8, bytes.length & 0xff])
  const long = Buffer.alloc(10)
  long[0] = type
  long[1] = bit | 127
  long.writeBigUInt64BE(BigInt(bytes.length), 2)
  const head = bytes.length < 126 ? short : bytes.length < 65_536 ? medium : long
  if (mask === undefined) return Buffer.concat([head, bytes])
  return Buffer.concat([head, Buffer.from(mask), bytes.map((byte, index) => byte ^ mask[index % 4]!)])
}

/** The first frame of a client, without its mask; undefined as long as it is not whole. Throws where it has no mask. */
export function clientFrame(bytes: Buffer): { type: number; body: Buffer; length: number } | undefined {
  if (bytes.length < 2) return undefined
  if (bytes[1]! < 0x80) throw new Error('a frame of the client has no mask')
  const short = bytes[1]! & 127
  const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10
  if (bytes.length < headBytes + 4) return undefined
  const wide = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
  // The shortest form is the only one that is allowed.
  if (wide < (short === 127 ? 65_536 : short === 126 ? 126 : 0)) throw new Error(`${wide} bytes have too long a length`)
  const length = headBytes + 4 + wide
  if (bytes.length < length) return undefined
  const mask = bytes.subarray(headBytes, headBytes + 4)
  const body = bytes.subarray(headBytes + 4, length).map((byte, index) => byte ^ mask[index % 4]!)
  return { type: bytes[0]!, body: Buffer.from(body), length }
}
