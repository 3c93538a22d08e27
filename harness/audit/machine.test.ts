import { expect, test } from 'vitest'
import type { MachineUse } from '../host/machineMeter.ts'
import { auditCoreDistance, auditMachine, type DistanceSecond, type MachineInputs } from './machine.ts'

type Ports = NonNullable<MachineInputs['ports']>

const quietUse: MachineUse = { seconds: 10, cores: 2, otherCores: 0.02, programs: [], waitShare: 0.001 }
const ports = {
  count: 28_232,
  waitSeconds: 1,
  sources: 1,
  timeWait: 20_000,
  isLoopback: true,
  canReset: true,
} satisfies Ports
const connects = { areForRequests: true, count: 50_000, perSecond: 5000, elapsedSeconds: 10, withoutPort: 0 } as const
const healthy: MachineInputs = { use: quietUse, ports, connects }

const busy = (use: Partial<MachineUse>) => auditMachine({ ...healthy, use: { ...quietUse, ...use } })
const codes = (inputs: MachineInputs) => auditMachine(inputs).map(({ code, severity }) => `${code} ${severity}`)

test('auditMachine() finds nothing on a quiet machine with ports enough, nor where nothing is known', () => {
  expect(codes(healthy)).toEqual([])
  expect(codes({ connects })).toEqual([])
})

test('auditMachine() names the programs that used the machine', () => {
  const programs = [
    { name: 'yes', cores: 0.99 },
    { name: 'cargo', cores: 0.21 },
    { name: 'cron', cores: 0.004 },
  ]
  const [finding, ...others] = busy({ otherCores: 1.204, programs, waitShare: 0.14, serverWaitShare: 0.2 })
  expect(others).toEqual([])
  expect(finding).toMatchObject({ code: 'machine-busy', severity: 'suspect', value: 1.204, limit: 0.1 })
  expect(finding!.message).toBe(
    'other programs used 1.2 of 2 cores (limit 0.1): yes 99 %, cargo 21 %, cron < 1 %; the client waited 14 % and the server 20 % of the time for a core',
  )
})

test.each<[string, Partial<MachineUse>, number]>([
  ['a tenth of a core', { otherCores: 0.11 }, 1],
  ['less than a tenth of a core', { otherCores: 0.09 }, 0],
  ['little, so that client and server waited for each other', { otherCores: 0.06, waitShare: 0.4 }, 0],
  ['little, so that some threads waited for each other', { otherCores: 0.06, pressureShare: 0.3 }, 0],
  ['little of a large machine', { otherCores: 1, cores: 64 }, 0],
  ['little of a large machine, and the client waited', { otherCores: 0.7, cores: 64, waitShare: 0.4 }, 0],
  ['much of a large machine', { otherCores: 2, cores: 64 }, 1],
])('auditMachine() judges others that used %s', (_, use, count) => {
  expect(busy(use)).toHaveLength(count)
})

test('auditMachine() says what cannot be seen, and what it took for the server', () => {
  const [unseen] = busy({ otherCores: 0.8, areUnseen: true })
  expect(unseen!.message).toMatch(/^programs outside this container, or hidden from it, used 0\.8 of 2 cores/)
  const [taken] = busy({ otherCores: 0.3, takenForServer: { name: 'nginx', cores: 0.7 } })
  expect(taken!.message).toMatch(/; nginx \(70 %\) is taken for the server and left out$/)
  const [pressed] = busy({ otherCores: 0.3, pressureShare: 0.25 })
  expect(pressed!.message).toMatch(/; for 25 % of the time some thread of this machine waited for a core$/)
})

test('auditMachine() says what it took for the server also where it finds nothing else', () => {
  const [taken, ...others] = busy({ takenForServer: { name: 'yes', cores: 0.99 } })
  expect(others).toEqual([])
  expect(taken).toMatchObject({ code: 'machine-busy', severity: 'note', value: 0.99 })
  expect(taken!.message).toBe(
    'the process of the server was not found; yes, the busiest other program (99 %), is taken for it and left out',
  )
})

test('auditMachine() says which cores it means where this process may not use all', () => {
  const [finding] = busy({ otherCores: 0.3, isPart: true, programs: [{ name: 'cc1plus', cores: 12 }], waitShare: 0 })
  expect(finding!.message).toBe(
    'other programs used 0.3 of the 2 cores that this process may use (limit 0.1); they ran there, and on others: cc1plus 1200 %',
  )
})

test('auditMachine() doubts a client whose ports are in use, and says how to get more', () => {
  const inputs = { ...healthy, connects: { ...connects, count: 143_000, perSecond: 14_300 } }
  const [finding, ...others] = auditMachine(inputs)
  expect(others).toEqual([])
  expect(finding).toMatchObject({ code: 'ports', severity: 'suspect' })
  expect(finding!.message).toBe(
    '14,300 connects/s take 101 % of the ports that connect() tries first (limit 80 %): 28,232 ports from one address, each free again 1 s after its connection was closed; 20,000 connections were in TIME_WAIT',
  )
  expect(finding!.hint).toContain('sourceAddresses: [127.0.0.2-127.0.0.33]')
  expect(codes({ ...inputs, ports: { ...ports, sources: 6 } })).toEqual([])
})

test('auditMachine() counts the connects of a run that is shorter than a port stays taken', () => {
  const inputs = {
    ...healthy,
    ports: { ...ports, count: 50, waitSeconds: 60, timeWait: 50 },
    connects: { ...connects, count: 49 },
  }
  const [finding] = auditMachine(inputs)
  expect(finding!.message).toMatch(
    /^49 connects take 196 % of the ports that connect\(\) tries first .* free again 60 s/,
  )
})

test.each<[string, Partial<MachineInputs['connects']>, Partial<Ports>, number]>([
  [
    'that reuses its ports after a minute, over less than that',
    { count: 12_000, perSecond: 1200 },
    { waitSeconds: 60 },
    1,
  ],
  ['that has hardly begun to use them', { count: 10_000, perSecond: 1000 }, { waitSeconds: 60 }, 0],
  ['whose connections stay open', { count: 60_000, perSecond: 20_000, areForRequests: false }, {}, 0],
  [
    'whose server closes the connections, or which resets them',
    { count: 200_000, perSecond: 20_000 },
    { timeWait: 100 },
    0,
  ],
  ['of which the kernel says nothing more', { count: 200_000, perSecond: 20_000 }, { timeWait: undefined }, 1],
  ['whose connects found no port', { withoutPort: 3, perSecond: 1, count: 50, areForRequests: false }, {}, 1],
])('auditMachine() judges the ports of a client %s', (_, more, some, count) => {
  const inputs = { ...healthy, ports: { ...ports, ...some }, connects: { ...connects, ...more } } as MachineInputs
  expect(codes(inputs)).toEqual(Array(count).fill('ports suspect'))
})

/** Seconds with a distance in nanoseconds and a p50 in milliseconds each. */
function secondsOf(...given: [coreDistanceNs: number | undefined, p50: number][]): DistanceSecond[] {
  return given.map(([coreDistanceNs, p50]) => ({
    p50,
    ...(coreDistanceNs !== undefined && { coreDistanceNs }),
  }))
}

const [near, far] = [
  [192, 0.056],
  [540, 0.076],
] as const
const distanceCodes = (...given: [number | undefined, number][]) =>
  auditCoreDistance(secondsOf(...given)).map(({ code, severity }) => `${code} ${severity}`)

test('auditCoreDistance() finds that response times followed the distance of the cores', () => {
  const seconds = secondsOf([...near], [...near], [undefined, 0.09], [...far], [...near], [530, 0.076])
  const [finding, ...others] = auditCoreDistance(seconds)
  expect(others).toEqual([])
  expect(finding).toMatchObject({ code: 'machine-busy', severity: 'suspect', value: 540 / 192, limit: 1.4 })
  expect(finding!.message).toBe(
    'the host of this virtual machine moved its cores: a cache line took 535 ns from one to the other and back in 2 seconds, and 192 ns in 3 others; p50 was 35.7 % higher then',
  )
})

test.each<[string, [number | undefined, number][]]>([
  [
    'the cores stayed where they were',
    [
      [192, 0.05],
      [200, 0.08],
      [190, 0.08],
      [192, 0.05],
      [205, 0.05],
    ],
  ],
  ['response times did not change with it', [[...near], [540, 0.056], [...near], [540, 0.056], [530, 0.057]]],
  [
    'response times were shorter where the cores were apart',
    [
      [192, 0.08],
      [540, 0.05],
      [192, 0.08],
      [540, 0.05],
    ],
  ],
  ['it is known of too few seconds', [[...near], [...far], [...far], [undefined, 0.08], [undefined, 0.08]]],
  ['nothing was measured', []],
])('auditCoreDistance() finds nothing where %s', (_, given) => {
  expect(distanceCodes(...given)).toEqual([])
})
