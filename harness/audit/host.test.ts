import { expect, test } from 'vitest'
import { auditHost, type HostInputs } from './host.ts'

const quiet: HostInputs = {
  host: { retransmits: 2, tcpTimeouts: 0, stealShare: 0.001, throttledMs: 0 },
  completed: 100_000,
  modes: [],
}
const found = (inputs: Partial<HostInputs>) =>
  auditHost({ ...quiet, ...inputs }).map(({ code, severity }) => `${code} ${severity}`)

test('auditHost() finds nothing on a quiet machine, or on one without counters', () => {
  expect(found({})).toEqual([])
  expect(found({ host: {} })).toEqual([])
})

test('auditHost() doubts a machine whose CPU time went to others', () => {
  expect(found({ host: { stealShare: 0.02 } })).toEqual(['steal suspect'])
  expect(found({ host: { throttledMs: 300 } })).toEqual(['cpu-quota suspect'])
})

test('auditHost() doubts p99 when enough segments were retransmitted to affect it', () => {
  expect(found({ host: { retransmits: 101 } })).toEqual(['retransmits suspect'])
  expect(found({ host: { retransmits: 99 } })).toEqual([])
  expect(found({ host: { retransmits: 1 }, completed: 100 })).toEqual([])
})

test('auditHost() does not doubt a run for the timeouts of other programs', () => {
  expect(found({ host: { tcpTimeouts: 12 } })).toEqual([])
  expect(found({ host: { tcpTimeouts: 12 }, ownRetransmits: 0 })).toEqual([])
})

test('auditHost() says whose retransmissions it counts', () => {
  const said = (inputs: Partial<HostInputs>) => auditHost({ ...quiet, ...inputs }).map(({ message }) => message)
  expect(said({ host: { retransmits: 101, tcpTimeouts: 12 } })).toEqual([
    '101 TCP segments were retransmitted on this machine, by this run or by other programs (limit 100); the whole machine counted 12 timeouts of TCP',
  ])
  expect(said({ ownRetransmits: 200 })).toEqual([
    "200 TCP segments were retransmitted on this run's connections (limit 100)",
  ])
})

test("auditHost() prefers the count of the run's own connections", () => {
  expect(found({ host: { retransmits: 5000 }, ownRetransmits: 0 })).toEqual([])
  expect(found({ ownRetransmits: 200 })).toEqual(['retransmits suspect'])
})

test('auditHost() checks dropped datagrams over UDP, and no retransmissions', () => {
  const host = { retransmits: 5000, tcpTimeouts: 5, udpErrors: 100, udpReceiveBufferErrors: 90 }
  expect(found({ overUdp: true, host })).toEqual([])
  const [finding, ...others] = auditHost({ ...quiet, overUdp: true, host: { ...host, udpErrors: 101 } })
  expect(others).toEqual([])
  expect(finding).toMatchObject({
    code: 'datagrams',
    severity: 'suspect',
    message: 'this machine itself dropped 101 datagrams (limit 100), 90 of them because a receive buffer was full',
  })
})

test('auditHost() names the delays of TCP that the response times show', () => {
  const modes = [{ offsetMs: 40, name: 'delayed ACK', count: 500 }] as const
  expect(found({ modes })).toEqual(['retransmits note'])
  const [finding] = auditHost({ ...quiet, modes, ownRetransmits: 200 })
  expect(finding!.message).toBe(
    "200 TCP segments were retransmitted on this run's connections (limit 100); the response times show delayed ACK (+40 ms)",
  )
})

test('auditHost() names a delay of TCP at which all or most replies stand', () => {
  const standing = { offsetMs: 40, name: 'delayed ACK', share: 0.998 } as const
  const said = (inputs: Partial<HostInputs>) => auditHost({ ...quiet, ...inputs }).map(({ message }) => message)
  expect(found({ standing })).toEqual(['retransmits note'])
  expect(said({ standing })).toEqual(['every reply takes 40 ms, as with delayed ACK'])
  expect(said({ standing: { ...standing, share: 0.7 } })).toEqual([
    '70 % of the replies take 40 ms, as with delayed ACK',
  ])
})
