import { expect, test } from 'vitest'
import type { Patch, PlannedStep, RequestBank } from '../../plan/bank.ts'
import { localAddress, type MessageTemplate, type TemplatePart } from '../../plan/templates.ts'
import { bytesOf, textOf } from '../../protocols/testing/bytes.ts'
import { ConnectionFrames } from './connectionFrames.ts'

const seq: Patch = { kind: 'seq', offset: 0, length: 3 }
const connection: Patch = { kind: 'connection', offset: 3, length: 2 }
const slot = { slotFrom: 0, slotEnd: 3 }

function template(...body: MessageTemplate['body']): MessageTemplate {
  return { fields: {}, body }
}

function bankOf(some: Partial<RequestBank>): RequestBank {
  const templates = some.templates ?? []
  return {
    frames: templates.map(() => new Uint8Array(40)),
    patches: templates.map(() => [seq, connection]),
    templates,
    capturedValues: 0,
    steps: [],
    groups: [],
    randomRows: false,
    frameBytesMax: 40,
    keepsSentBytes: false,
    ...some,
  }
}

const zeros = bytesOf('at 10.0.0.1:5 no 000 of 00')
const ones = bytesOf('at 10.0.0.1:5 no 111 of 11')

test('ConnectionFrames keeps a request for each connection, and overwrites its slots', () => {
  const frames = new ConnectionFrames(bankOf({ templates: [null, template(localAddress, slot)] }), 2)
  expect(frames.keeps(0)).toBe(false)
  expect(frames.keeps(1)).toBe(true)
  expect(frames.get(1, 1)).toBeUndefined()
  const kept = frames.keep(1, 1, zeros.slice(), ones)!
  expect(frames.get(1, 1)).toBe(kept)
  expect(frames.get(0, 1)).toBeUndefined()
  const first = frames.fill(kept, bytesOf('12345'))
  expect(textOf(first)).toBe('at 10.0.0.1:5 no 123 of 45')
  expect(textOf(frames.fill(kept, bytesOf('67890')))).toBe('at 10.0.0.1:5 no 678 of 90')
  // Nothing is allocated: both are the same bytes.
  expect(textOf(first)).toBe('at 10.0.0.1:5 no 678 of 90')
  frames.opened(0)
  expect(frames.get(1, 1)).toBe(kept)
  frames.opened(1)
  expect(frames.get(1, 1)).toBeUndefined()
})

test('ConnectionFrames gives each request bytes of its own where they are compared with replies', () => {
  const step = { expectation: { echo: true } } as unknown as PlannedStep
  const frames = new ConnectionFrames(bankOf({ templates: [template(localAddress, slot)], steps: [step] }), 1)
  const kept = frames.keep(0, 0, zeros.slice(), ones)!
  const first = frames.fill(kept, bytesOf('12345'))
  frames.fill(kept, bytesOf('67890'))
  expect(textOf(first)).toBe('at 10.0.0.1:5 no 123 of 45')
})

test('ConnectionFrames keeps no request with a captured value, and none whose slots the protocol changes', () => {
  const frames = new ConnectionFrames(bankOf({ templates: [template({ value: 0 }), template(localAddress, slot)] }), 3)
  expect(frames.keeps(0)).toBe(false)
  expect(frames.keep(2, 1, zeros, zeros)).toBeUndefined()
  expect(frames.keeps(1)).toBe(false)
})

test('ConnectionFrames keeps no request with a checksum, which differs with the slots', () => {
  const summed = { checksum: { checksum: 'sum8', as: undefined }, of: [localAddress, slot] } as unknown as TemplatePart
  expect(new ConnectionFrames(bankOf({ templates: [template(summed)] }), 1).keeps(0)).toBe(false)
  const bank = bankOf({ templates: [template(localAddress, slot)] })
  expect(new ConnectionFrames(bank, 1).keeps(0)).toBe(true)
  expect(new ConnectionFrames(bank, 1, { seal: () => {} }).keeps(0)).toBe(false)
})

test('ConnectionFrames keeps nothing where the requests of all connections take more than its bound', () => {
  const templates = [template(localAddress)]
  const bank = bankOf({ templates, frames: [new Uint8Array(1024 * 1024 - 64)] })
  expect(new ConnectionFrames(bank, 64).keeps(0)).toBe(true)
  expect(new ConnectionFrames(bank, 65).keeps(0)).toBe(false)
  expect(new ConnectionFrames(bank, 65).get(64, 0)).toBeUndefined()
})
