import { expect, test } from 'vitest'
import { differenceOf, type HostCounters, readHostCounters } from './counters.ts'

/** From a machine with two cores; of the hundred names of netstat, those around the ones that are read. */
const files: Record<string, string> = {
  '/proc/net/snmp': `Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos
Ip: 2 64 652340136 0 0 0 0
Icmp: InMsgs InErrors InCsumErrors InDestUnreachs
Icmp: 17 9 0 17
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 1198602 1067824 130484 14914 0 652361792 652345526 3793 0 145875 0
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 577 15 4 594 3 2 0 0 0
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
UdpLite: 0 0 70 0 70 70 0 0 0
`,
  '/proc/net/netstat': `TcpExt: DelayedACKs DelayedACKLost ListenOverflows ListenDrops TCPHPHits TCPLostRetransmit TCPTimeouts TCPLossProbes TCPSynRetrans TCPOrigDataSent
TcpExt: 1777684 2026 2144 2150 617389998 45 2197 1658 2190 636730569
IpExt: InNoRoutes InTruncatedPkts ListenDrops
IpExt: 0 0 99
`,
  '/proc/stat': `cpu  433776 0 357368 2076494 924 0 156390 237 12 0
cpu0 228255 0 179872 1026869 206 0 79701 111 12 0
cpu1 205521 0 177495 1049625 717 0 76688 125 0 0
intr 1234 0 0
`,
  '/proc/self/cgroup': '0::/system.slice/volley.service\n',
  '/sys/fs/cgroup/cpu.stat': 'usage_usec 9000000\nuser_usec 5000000\nsystem_usec 4000000\n',
  '/sys/fs/cgroup/system.slice/volley.service/cpu.stat':
    'usage_usec 72814\nuser_usec 53122\nsystem_usec 19692\nnr_periods 40\nnr_throttled 7\nthrottled_usec 31250\nnr_bursts 0\nburst_usec 0\n',
}

const none = readHostCounters(() => undefined)

function readFrom(some: Record<string, string>): HostCounters {
  return readHostCounters(path => some[path])
}

test('readHostCounters() finds every counter by its name', () => {
  expect(readFrom(files)).toEqual({
    outSegments: 652345526,
    retransmits: 3793,
    lostRetransmits: 45,
    synRetransmits: 2190,
    tcpTimeouts: 2197,
    listenOverflows: 2144,
    listenDrops: 2150,
    udpReceiveErrors: 4,
    udpReceiveBufferErrors: 3,
    udpSendBufferErrors: 2,
    // Without the guests' 12 ticks, which are included in the first field.
    cpuTicks: 433776 + 357368 + 2076494 + 924 + 156390 + 237,
    stealTicks: 237,
    throttledPeriods: 7,
    throttledMs: 31.25,
  })
})

test('readHostCounters() counts the ticks of the cores that this process may use', () => {
  const bound = readFrom({ ...files, '/proc/self/status': 'Cpus_allowed_list:\t1\n' })
  expect(bound.stealTicks).toBe(125)
  expect(bound.cpuTicks).toBe(205521 + 177495 + 1049625 + 717 + 76688 + 125)
})

test('readHostCounters() has no counters without the files', () => {
  expect(Object.values(none).every(value => value === undefined)).toBe(true)
  expect(differenceOf(none, none)).toEqual({})
})

test.each([
  ['empty', ''],
  ['names without values', 'Tcp: OutSegs RetransSegs\nTcpExt: TCPTimeouts\ncpu \n0::\nnr_throttled\n'],
  ['something else', '\0\u00ff:::\nTcp: \nTcp: x y\ncpu  a b c d e f g h\nnr_throttled many\n'],
])('readHostCounters() has no counters when every file is %s', (_, text) => {
  expect(readHostCounters(() => text)).toEqual(none)
})

test('readHostCounters() reads this machine, whose counters do not decrease', () => {
  const before = readHostCounters()
  const after = readHostCounters()
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined) expect(after[name as keyof HostCounters], name).toBeGreaterThanOrEqual(value)
  }
  if (process.platform === 'linux') expect(before.cpuTicks).toBeGreaterThan(0)
})

test('readHostCounters() adds up the throttling of all control groups above the process', () => {
  const slice = { '/sys/fs/cgroup/system.slice/cpu.stat': 'usage_usec 1\nnr_throttled 3\nthrottled_usec 1500\n' }
  const { throttledPeriods, throttledMs } = readFrom({ ...files, ...slice })
  expect({ throttledPeriods, throttledMs }).toEqual({ throttledPeriods: 10, throttledMs: 32.75 })
})

test.each([
  ['version 2, a container', '0::/\n', '/sys/fs/cgroup/cpu.stat', 'throttled_usec 2500'],
  ['version 2, outside the namespace', '0::/../../x\n', '/sys/fs/cgroup/cpu.stat', 'throttled_usec 2500'],
  ['version 2, a path of the host', '0::/docker/4f\n', '/sys/fs/cgroup/cpu.stat', 'throttled_usec 2500'],
  ['version 2, a group not found', '', '/sys/fs/cgroup/cpu.stat', 'throttled_usec 2500'],
  ['version 1', '2:cpuacct:/\n1:cpu:/\n0::/\n', '/sys/fs/cgroup/cpu/cpu.stat', 'throttled_time 2500000'],
  ['version 1, its own group', '4:cpu,cpuacct:/a\n', '/sys/fs/cgroup/cpu/a/cpu.stat', 'throttled_time 2500000'],
  ['version 1, both names', '4:cpu,cpuacct:/a\n', '/sys/fs/cgroup/cpu,cpuacct/a/cpu.stat', 'throttled_time 2500000'],
])('readHostCounters() finds the throttling under %s', (_, group, path, time) => {
  const { throttledPeriods, throttledMs } = readFrom({
    '/proc/self/cgroup': group,
    [path]: `nr_periods 9\nnr_throttled 2\n${time}\n`,
  })
  expect({ throttledPeriods, throttledMs }).toEqual({ throttledPeriods: 2, throttledMs: 2.5 })
})

test('differenceOf() has the differences between two readings', () => {
  const before = readFrom(files)
  const after: HostCounters = {
    ...before,
    outSegments: before.outSegments! + 1000,
    retransmits: before.retransmits! + 5,
    listenDrops: before.listenDrops! + 2,
    udpReceiveErrors: 6,
    udpSendBufferErrors: 3,
    cpuTicks: before.cpuTicks! + 400,
    stealTicks: before.stealTicks! + 8,
    throttledMs: before.throttledMs! + 12.5,
  }
  expect(differenceOf(before, after)).toEqual({
    outSegments: 1000,
    retransmits: 5,
    lostRetransmits: 0,
    synRetransmits: 0,
    tcpTimeouts: 0,
    listenOverflows: 0,
    listenDrops: 2,
    udpErrors: 3,
    udpReceiveBufferErrors: 0,
    stealShare: 0.02,
    throttledPeriods: 0,
    throttledMs: 12.5,
  })
})

test('differenceOf() leaves out counters that restarted, and a share of no time', () => {
  const before = readFrom(files)
  const difference = differenceOf(before, { ...before, retransmits: 1, udpReceiveErrors: 0 })
  expect(difference).not.toHaveProperty('retransmits')
  expect(difference).not.toHaveProperty('stealShare')
  expect(difference.udpErrors).toBe(0)
  expect(difference.tcpTimeouts).toBe(0)
})
