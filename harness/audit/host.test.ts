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
  expect(found({ host: { stealShare: 0.02 } })).toEqual(['generator-busy suspect'])
  expect(found({ host: { throttledMs: 300 } })).toEqual(['generator-busy suspect'])
})

test('auditHost() doubts p99 when enough segments were retransmitted to affect it', () => {
  expect(found({ host: { retransmits: 101 } })).toEqual(['retransmits suspect'])
  expect(found({ host: { retransmits: 99 } })).toEqual([])
  expect(found({ host: { tcpTimeouts: 1 } })).toEqual(['retransmits suspect'])
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
    '200 TCP segments were retransmitted (limit 100), 0 after a timeout (limit 0); the response times show delayed ACK (+40 ms)',
  )
})
