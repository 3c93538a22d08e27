import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RelaySettings } from '../../harness/relaySettings.ts'
import { DatagramFlow } from './datagrams.ts'
import { FakeTime } from './testing/fakeTime.ts'
import { Timeline } from './timeline.ts'
import { createWays } from './way.ts'

function bench(settings: RelaySettings, bytesMax = 1_000_000, deliverable = (_: number) => true) {
  const time = new FakeTime()
  const way = createWays(settings, 1).up
  const arrived: number[] = []
  const flow = new DatagramFlow<number>(new Timeline(time.exactTimer, time), way, bytesMax, (bytes, session) => {
    if (!deliverable(session)) return false
    arrived.push(bytes[0]!)
    return true
  })
  return { time, way, flow, arrived }
}

test('every datagram that comes in is passed on or lost, whatever the network does', () => {
  const datagram = fc.record({ bytes: fc.integer({ min: 0, max: 1472 }), afterMs: fc.nat(5), session: fc.nat(3) })
  const settings = fc.record({
    rtt: fc.constantFrom(0, 20),
    loss: fc.constantFrom(0, 0.3, 1),
    rate: fc.constant(1_000_000),
    stall: fc.constantFrom('5ms/20ms', 'forever@30ms'),
  })
  fc.assert(
    fc.property(settings, fc.array(datagram, { maxLength: 80 }), (settings, datagrams) => {
      const { time, way, flow, arrived } = bench(settings, 5000, session => session !== 3)
      for (const { bytes, afterMs, session } of datagrams) {
        flow.send(new Uint8Array(bytes), session)
        time.advanceTo(time.now() + afterMs)
        expect(way.datagramsPassed + way.lost + flow.count).toBe(way.datagramsIn)
      }
      time.advanceTo(1e6)
      expect(flow.count).toBe(0)
      expect(way.datagramsIn).toBe(datagrams.length)
      expect(way.datagramsPassed + way.lost).toBe(datagrams.length)
      expect(arrived).toHaveLength(way.datagramsPassed)
      if (settings.loss === 1) expect(arrived).toEqual([])
    }),
  )
})

test('datagrams overtake each other with jitter, and do not without it', () => {
  const order = (settings: RelaySettings) => {
    const { time, flow, arrived } = bench(settings)
    for (let index = 0; index < 50; index++) {
      flow.send(Uint8Array.of(index), 0)
      time.advanceTo(time.now() + 1)
    }
    time.advanceTo(1000)
    return arrived
  }
  const sent = Array.from({ length: 50 }, (_, index) => index)
  expect(order({ rtt: 20 })).toEqual(sent)
  const jittered = order({ rtt: 20, jitter: 20 })
  expect(jittered).not.toEqual(sent)
  expect(jittered.toSorted((a, b) => a - b)).toEqual(sent)
})

test('datagrams beyond the length of a queue are lost, but a single one never is', () => {
  const { time, way, flow, arrived } = bench({ rtt: 10 }, 100)
  for (const bytes of [200, 1, 1]) flow.send(new Uint8Array(bytes), 0)
  expect(way.lost).toBe(2)
  time.advanceTo(10)
  for (const bytes of [50, 50, 1]) flow.send(new Uint8Array(bytes), 0)
  time.advanceTo(20)
  expect([arrived.length, way.lost]).toEqual([3, 3])
})
