/** The checksums that a frame or a payload may have. */
export const checksumNames = ['sum8', 'xor8', 'crc16-modbus', 'crc16-ccitt', 'crc32', 'crc32c', 'adler32'] as const
export type ChecksumName = (typeof checksumNames)[number]

/** The checksum of `bytes[from, end)`, an unsigned number. */
export type Checksum = (bytes: Uint8Array, from: number, end: number) => number

const modbusTable = reflectedTable(0xa001)
const isoTable = reflectedTable(0xedb8_8320)
const castagnoliTable = reflectedTable(0x82f6_3b78)
const adlerModulus = 65_521

/** The checksums by name, and the bits that each has. */
export const checksums: Readonly<Record<ChecksumName, { readonly bits: 8 | 16 | 32; readonly of: Checksum }>> = {
  // The sum of all bytes, modulo 256: FIX.
  sum8: {
    bits: 8,
    of(bytes, from, end) {
      let sum = 0
      for (let at = from; at < end; at++) sum += bytes[at]!
      return sum & 0xff
    },
  },
  // All bytes, exclusive or: NMEA 0183.
  xor8: {
    bits: 8,
    of(bytes, from, end) {
      let sum = 0
      for (let at = from; at < end; at++) sum ^= bytes[at]!
      return sum
    },
  },
  // CRC-16/MODBUS: polynomial 8005 reflected, initial value ffff.
  'crc16-modbus': {
    bits: 16,
    of(bytes, from, end) {
      let crc = 0xffff
      for (let at = from; at < end; at++) crc = (crc >>> 8) ^ modbusTable[(crc ^ bytes[at]!) & 0xff]!
      return crc
    },
  },
  // CRC-16/CCITT-FALSE: polynomial 1021, initial value ffff.
  'crc16-ccitt': {
    bits: 16,
    of(bytes, from, end) {
      let crc = 0xffff
      for (let at = from; at < end; at++) {
        crc ^= bytes[at]! << 8
        for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff
      }
      return crc
    },
  },
  // ISO 3309, as in gzip and Ethernet.
  crc32: { bits: 32, of: (bytes, from, end) => reflectedCrc32(isoTable, bytes, from, end) },
  // Castagnoli (RFC 3720): iSCSI, Kafka.
  crc32c: { bits: 32, of: (bytes, from, end) => reflectedCrc32(castagnoliTable, bytes, from, end) },
  // RFC 1950.
  adler32: {
    bits: 32,
    of(bytes, from, end) {
      let low = 1
      let high = 0
      for (let at = from; at < end; at++) {
        low = (low + bytes[at]!) % adlerModulus
        high = (high + low) % adlerModulus
      }
      return high * 0x1_0000 + low
    },
  },
}

function reflectedCrc32(table: Uint32Array, bytes: Uint8Array, from: number, end: number): number {
  let crc = 0xffff_ffff
  for (let at = from; at < end; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

function reflectedTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    return crc >>> 0
  })
}
