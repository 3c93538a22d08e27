import { expect, test } from 'vitest'
import { createTlv, tlvKeyHandshake } from './tlv.ts'

test('tlvKeyHandshake signs as in RFC 2202', () => {
  const cases = [
    [Buffer.alloc(20, 0x0b).toString('latin1'), 'Hi There', 'b617318655057264e28bc0b6fb378c8ef146be00'],
    ['Jefe', 'what do ya want for nothing?', 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
  ] as const
  for (const [key, text, signature] of cases) {
    const signed = tlvKeyHandshake.sign(key, new TextEncoder().encode(text))
    expect(Buffer.from(signed).toString('hex')).toBe(signature)
    expect(signed).toHaveLength(tlvKeyHandshake.signatureBytes)
  }
})

test('isRefusal() distinguishes a refusal from other messages', () => {
  const tlv = createTlv({ maxFrame: 99 })
  const isRefusal = (type: number) => {
    const frame = tlv.encode({ type, body: new Uint8Array(3) })
    return tlv.isRefusal!(frame, 0, frame.length)
  }
  expect(isRefusal(0xffff_fff4)).toBe(true)
  expect(isRefusal(0xffff_fff3)).toBe(false)
  expect(isRefusal(1)).toBe(false)
})
