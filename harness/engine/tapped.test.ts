import { expect, test } from 'vitest'
import { createProtocol } from '../protocols/catalog.ts'
import type { Transport } from '../transports/transport.ts'
import { TappedTransport } from './tapped.ts'

test('TappedTransport closes a link as it was asked to, with a reset or without', () => {
  const closes: (readonly [number, boolean | undefined])[] = []
  const transport = { close: (link: number, isReset?: boolean) => void closes.push([link, isReset]) }
  const protocol = createProtocol({ name: 'line', delimiter: '\n', maxFrame: 1024 })
  const tapped = new TappedTransport(transport as unknown as Transport, protocol, { frame() {}, rest() {} })
  tapped.close(0, true)
  tapped.close(1)
  expect(closes).toEqual([
    [0, true],
    [1, undefined],
  ])
})
