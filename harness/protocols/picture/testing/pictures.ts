import fc from 'fast-check'
import type { Message } from '../../protocol.ts'
import type { PictureElement } from '../elements.ts'
import { numberType } from '../numbers.ts'

export const body: PictureElement = { kind: 'body' }
export const bytes = (text: string): PictureElement => ({ kind: 'bytes', hex: Buffer.from(text).toString('hex') })
export const hex = (digits: string): PictureElement => ({ kind: 'bytes', hex: digits.replaceAll(' ', '') })
export const skip = (count: number): PictureElement => ({ kind: 'skip', bytes: count })
type Length = Extract<PictureElement, { kind: 'length' }>
type Sum = Extract<PictureElement, { kind: 'checksum' }>
export const length = (form: Length['form'], more: Partial<Length> = {}): PictureElement => {
  return { kind: 'length', form, counts: 'rest', plus: 0, flag: 0, ...more }
}
type Field = Extract<PictureElement, { kind: 'field' }>
export const field = (name: string, type: Field['type'], value: Field['value'] = 0): PictureElement => {
  return { kind: 'field', name, type, value }
}
export const id = (type: Field['type'], more: { min?: number; max?: number } = {}): PictureElement => {
  return { kind: 'id', type, ...more }
}
export const checksum = (sum: Sum['sum'], more: Partial<Sum> = {}): PictureElement => {
  return { kind: 'checksum', sum, of: 'before', as: 'u32', verify: true, ...more }
}

/** Frames of protocols as their documents draw them. */
export const pictures: Record<string, PictureElement[]> = {
  'a u32 before the body': [length('u32'), body],
  'TLV: length, type, value': [length('u32', { counts: 'body' }), field('type', 'u32'), body],
  MQTT: [field('type', 'u8'), length('leb128'), body],
  PostgreSQL: [field('type', 'char', 'Q'), length('u32', { counts: 'itself' }), body],
  'DNS over TCP': [
    length('u16'),
    id('u16'),
    field('flags', 'u16', 0x0100),
    field('questions', 'u16', 1),
    skip(6),
    body,
  ],
  Modbus: [id('u16'), skip(2), length('u16'), field('unit', 'u8', 1), field('function', 'u8'), body],
  netstring: [length({ decimal: { ends: ':' } }, { counts: 'body' }), body, bytes(',')],
  FIX: [
    bytes('8=FIX.4.4\u00019='),
    length({ decimal: { ends: '\u0001' } }, { counts: 'body' }),
    body,
    bytes('10='),
    checksum('sum8', { of: 'head-and-body', as: { digits: 3 } }),
    bytes('\u0001'),
  ],
  WebSocket: [field('type', 'u8', 0x81), length('ws', { counts: 'body' }), body],
  LDAP: [hex('30'), length('ber'), body],
  'MySQL, little-endian': [length('u24le', { counts: 'body' }), field('number', 'u8'), body],
  AMQP: [field('type', 'u8'), field('channel', 'u16'), length('u32', { counts: 'body' }), body, hex('ce')],
  'Modbus RTU': [
    field('unit', 'u8', 1),
    field('function', 'u8'),
    length('u8', { counts: 'body' }),
    body,
    checksum('crc16-modbus', { as: 'u16le' }),
  ],
  'a length of four digits that counts all': [length({ digits: 4 }, { counts: 'all' }), body],
  'a checksum of the body before it': [length('u16', { counts: 'body' }), checksum('crc32c', { of: 'body' }), body],
  'a body of five bytes': [hex('aa55'), { kind: 'body', bytes: 5 }],
}

/** Messages that fit a picture, with all of its fields and at most so many bytes of body. */
export function pictureMessages(elements: readonly PictureElement[], bodyBytesMax: number): fc.Arbitrary<Message> {
  const own = elements.find(element => element.kind === 'body')
  const size = own?.bytes
  const anyBody = fc.uint8Array(size === undefined ? { maxLength: bodyBytesMax } : { minLength: size, maxLength: size })
  const fields = elements
    .filter(element => element.kind === 'field')
    .map(({ name, type }) => {
      const { min, max } = numberType(type)
      const exact = { min: min < -(2n ** 53n) ? -(2n ** 53n) : min, max: max > 2n ** 53n ? 2n ** 53n : max }
      return [name, fc.bigInt(exact).map(Number)] as const
    })
  const id = elements.find(element => element.kind === 'id')
  return fc.record({
    body: anyBody,
    ...(fields.length > 0 && { fields: fc.record(Object.fromEntries(fields)) }),
    ...(id && { id: fc.nat(Number(numberType(id.type).max)) }),
  })
}
