import { describe, expect, it } from 'vitest'
import { checksumNames, checksums } from './checksums.ts'

/** The check values of the catalogue of CRC algorithms: each is the checksum of "123456789". */
const checkValues = {
  sum8: 0xdd,
  xor8: 0x31,
  'crc16-modbus': 0x4b37,
  'crc16-ccitt': 0x29b1,
  crc32: 0xcbf4_3926,
  crc32c: 0xe306_9283,
  adler32: 0x091e_01de,
}

describe('checksums', () => {
  it.each(checksumNames)('%s has its check value, wherever the bytes stand', name => {
    const { of, bits } = checksums[name]
    const bytes = Buffer.from('xx123456789yy')
    expect(of(bytes, 2, 11)).toBe(checkValues[name])
    expect(of(bytes, 2, 11)).toBeLessThan(2 ** bits)
    expect(of(new Uint8Array(9).fill(0xff), 0, 9)).toBeLessThan(2 ** bits)
  })
})
