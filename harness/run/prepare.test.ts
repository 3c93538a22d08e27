import { expect, test } from 'vitest'
import type { CLibrary } from '../cLibrary.ts'
import { inEnvironment, parseScenario } from '../scenario/load.ts'
import { minimalWith } from '../scenario/testing/faults.ts'
import { relayFaults } from './prepare.ts'

const missing = () => 'koffi does not load'
const present = () => ({}) as CLibrary

const text = minimalWith(
  `target: { serve: echo, relay: { rtt: 300us, jitter: 50us } }
environments:
  far: { serve: echo, relay: { rtt: 75ms, jitter: "\${JITTER}" } }
  near: { serve: echo, relay: { rtt: 1999us } }`,
)
const loaded = parseScenario(text, 's.yaml', [], { JITTER: '999us' })

test('relayFaults() names what is too short for the timers of this machine, and its place', () => {
  const why = 'as less needs Linux and koffi (here koffi does not load)'
  expect(relayFaults(loaded, missing)).toEqual([
    { place: 's.yaml:2:38', message: `target.relay.rtt: expected 0 or at least 2ms, ${why}, got "300us"` },
    { place: 's.yaml:2:53', message: `target.relay.jitter: expected 0 or at least 1ms, ${why}, got "50us"` },
  ])
  expect(relayFaults(inEnvironment(loaded, 'near'), missing)).toEqual([
    { place: 's.yaml:5:38', message: `environments.near.relay.rtt: expected 0 or at least 2ms, ${why}, got "1.999ms"` },
  ])
})

test('relayFaults() does not show a value of the environment', () => {
  const [fault] = relayFaults(inEnvironment(loaded, 'far'), missing)
  expect(fault?.message).toMatch(/^environments\.far\.relay\.jitter: expected 0 or at least 1ms, .*, got \*\*\*$/)
})

test('relayFaults() has nothing to say where the kernel counts nanoseconds', () => {
  expect(relayFaults(loaded, present)).toEqual([])
})
