import { expect, test } from 'vitest'
import { MachineMeter } from './machineMeter.ts'
import type { KnownServer } from './serverProcesses.ts'
import { InventedProcesses } from './testing/inventedProcesses.ts'

const [volley, server, yes] = [100, 200, 300]

/** What a run may know of its server. */
function known(pids: readonly number[], more: Partial<KnownServer> & { group?: boolean } = {}): KnownServer {
  const { group = false, ...others } = more
  const processes = pids.map(pid => ({ pid, group }))
  return { processes, isHidden: false, areForwarders: false, check: () => {}, ...others }
}

/** A run with a server of its own besides `yes`; `pass` lets seconds pass, with the cores that each process uses. */
function started(knownServer: KnownServer = known([server]), files = new InventedProcesses()) {
  files.start(2, 'kworker/0:1', 1, { isKernel: true })
  files.start(50, 'bash')
  files.start(volley, 'node', 50)
  files.start(server, 'node', volley)
  files.start(yes, 'yes', 50)
  const clock = { now: () => files.now }
  const meter = new MachineMeter({ self: volley, files, clock, cores: 2, workers: 1, server: knownServer })
  const pass = (seconds: number, used: Readonly<Record<number, number>>) => {
    files.now += seconds * 1000
    for (const [pid, cores] of Object.entries(used)) files.works(Number(pid), cores * seconds)
  }
  return { files, meter, pass }
}

test('MachineMeter finds nothing beside a run on a quiet machine', () => {
  const { meter, pass } = started()
  meter.scan()
  pass(5, { [volley]: 0.9, [server]: 0.8 })
  expect(meter.useSince(0)).toEqual({
    ...{ seconds: 5, cores: 2, otherCores: 0, programs: [] },
    ...{ waitShare: 0, serverWaitShare: 0 },
  })
})

test('MachineMeter names the busiest programs, together by name, without threads of the kernel', () => {
  const { files, meter, pass } = started()
  files.start(301, 'cc1plus')
  files.start(302, 'cc1plus')
  files.start(303, 'cron')
  files.start(304, 'sshd')
  meter.scan()
  pass(4, { [volley]: 0.3, [server]: 0.3, [yes]: 0.5, 301: 0.25, 302: 0.25, 303: 0.1, 304: 0.05, 2: 0.2 })
  const use = meter.useSince(0)!
  expect(use.otherCores).toBeCloseTo(1.15)
  expect(use.programs).toEqual([
    { name: 'yes', cores: 0.5 },
    { name: 'cc1plus', cores: 0.5 },
    { name: 'cron', cores: 0.1 },
  ])
})

test('MachineMeter counts programs that start and end between two scans with the parent that waited for them', () => {
  const { files, meter, pass } = started()
  files.start(310, 'make', 50)
  files.start(311, 'cc', 310)
  pass(10, { 311: 0.9 })
  meter.scan()
  files.start(312, 'cc', 310)
  pass(2, { 311: 0.5, 312: 0.5 })
  // What the first had used before the scan is not of this part of the run.
  files.end(311)
  files.end(312)
  expect(meter.useSince(files.now - 2000)!.programs).toEqual([{ name: 'make', cores: 1 }])
})

test('MachineMeter counts children of the server, of its group and of its own process as part of the run', () => {
  const { files, meter, pass } = started(known([server], { group: true }))
  files.start(201, 'worker', server)
  files.start(202, 'worker', 1, { group: server })
  files.start(101, 'relay', volley)
  meter.scan()
  files.start(203, 'worker', 201)
  pass(3, { 201: 0.4, 202: 0.4, 203: 0.4, 101: 0.4 })
  files.end(203)
  expect(meter.useSince(0)).toMatchObject({ otherCores: 0, programs: [] })
})

test('MachineMeter begins where the measured part does', () => {
  const { meter, pass } = started()
  meter.scan()
  pass(1, { [yes]: 1 })
  meter.scan()
  pass(1, { [yes]: 1 })
  meter.progressed()
  pass(3, { [volley]: 0.5 })
  expect(meter.useSince(2000)).toMatchObject({ seconds: 3, otherCores: 0 })
  expect(meter.useSince(1000)).toMatchObject({ seconds: 4, otherCores: 0.25 })
})

test('MachineMeter keeps no more scans than it has room for, and still finds the start', () => {
  const { meter, pass } = started()
  for (let second = 0; second < 300; second++) {
    meter.progressed()
    pass(1, { [yes]: second < 100 ? 1 : 0 })
  }
  expect(meter.useSince(200_000)!.otherCores).toBe(0)
  expect(meter.useSince(0)!.otherCores).toBeCloseTo(1 / 3)
})

test('MachineMeter says nothing about less than a second, or without /proc', () => {
  const { files, meter, pass } = started()
  meter.scan()
  pass(0.8, { [yes]: 1 })
  expect(meter.useSince(0)).toBeUndefined()
  // The time in which the connections were opened is not measured.
  pass(5, { [yes]: 1 })
  expect(meter.useSince(5000)).toBeUndefined()
  const nothing = { text: () => undefined, names: () => [], link: () => undefined }
  const blind = new MachineMeter({
    ...{ cores: 2, workers: 1, server: known([]) },
    ...{ files: nothing, clock: { now: () => files.now } },
  })
  blind.scan()
  files.now += 5000
  expect(blind.useSince(0)).toBeUndefined()
  expect(blind.otherCoresSince()).toBeUndefined()
})

test('MachineMeter takes the busiest program for a server on this machine that it cannot find', () => {
  const { files, meter, pass } = started(known([], { isHidden: true }))
  files.start(400, 'nginx')
  files.start(401, 'nginx', 400)
  meter.scan()
  pass(2, { 400: 0.3, 401: 0.4, [yes]: 0.2 })
  const use = meter.useSince(0)!
  expect(use.takenForServer).toEqual({ name: 'nginx', cores: 0.7 })
  expect(use.otherCores).toBeCloseTo(0.2)
  expect(use.programs).toEqual([{ name: 'yes', cores: 0.2 }])
})

test('MachineMeter in a container counts programs outside of it, beyond the error of the ticks', () => {
  const { files, meter, pass } = started()
  files.others.set('/proc/self/ns/pid', 'pid:[4026532281]')
  meter.scan()
  pass(4, { [volley]: 0.4, [yes]: 0.01 })
  files.busySeconds += 4 * 0.09
  expect(meter.useSince(0)!.otherCores).toBeCloseTo(0.01)
  files.busySeconds += 4 * 0.8
  const use = meter.useSince(0)!
  expect(use.otherCores).toBeCloseTo(0.9)
  expect(use.areUnseen).toBe(true)
})

test('MachineMeter measures for how long the busiest threads of client and server waited for a core', () => {
  const { files, meter, pass } = started()
  files.thread(volley, 110, 0, 0)
  meter.scan()
  pass(2, { [volley]: 0.05 })
  files.thread(volley, 110, 1.2, 0.28)
  files.works(server, 0.5, 0.4)
  const use = meter.useSince(0)!
  expect(use.waitShare).toBeCloseTo(0.14)
  expect(use.serverWaitShare).toBeCloseTo(0.2)
  expect(use.pressureShare).toBeUndefined()
})

test('MachineMeter takes the pressure on all cores where the kernel says nothing about threads', () => {
  const { files, meter } = started()
  const pressure = (us: number) =>
    files.others.set('/proc/pressure/cpu', `some avg10=1.00 avg60=1.00 avg300=1.00 total=${us}\nfull avg10=0 total=0\n`)
  const text = files.text.bind(files)
  files.text = path => (path.endsWith('schedstat') ? undefined : text(path))
  pressure(1_000_000)
  meter.scan()
  files.now += 2000
  pressure(1_500_000)
  expect(meter.useSince(0)).toMatchObject({ pressureShare: 0.25 })
})

test('MachineMeter measures the cores of others second by second without a scan', () => {
  const { meter, pass } = started()
  meter.scan()
  expect(meter.otherCoresSince()).toBeUndefined()
  pass(1, { [volley]: 0.5, [server]: 0.5, [yes]: 0.4 })
  expect(meter.otherCoresSince()).toBeCloseTo(0.4)
  pass(1, { [volley]: 0.5, [server]: 0.5 })
  expect(meter.otherCoresSince()).toBeCloseTo(0)
  // Of the last part of a second the ticks say too little.
  pass(0.8, { [yes]: 0.4 })
  expect(meter.otherCoresSince()).toBeUndefined()
})

test.each([
  ['uses next to nothing, as that of a container', 0.001, { name: 'yes', cores: 0.9 }],
  ['works, as a server that another user runs', 0.4, undefined],
])(
  'MachineMeter takes another program for a hidden server only where its command waits: it %s',
  (_, cores, takenForServer) => {
    const { meter, pass } = started(known([server], { isHidden: true }))
    meter.scan()
    pass(10, { [volley]: 0.3, [server]: cores, [yes]: 0.9 })
    const use = meter.useSince(0)!
    expect(use.takenForServer).toEqual(takenForServer)
    expect(use.otherCores).toBeCloseTo(takenForServer === undefined ? 0.9 : 0)
  },
)

test('MachineMeter takes a program for a server behind one that passes connections on, however busy that is', () => {
  const { meter, pass } = started(known([server], { isHidden: true, areForwarders: true }))
  meter.scan()
  pass(10, { [server]: 0.4, [yes]: 0.9 })
  expect(meter.useSince(0)!.takenForServer).toEqual({ name: 'yes', cores: 0.9 })
})

test('MachineMeter counts a server that was restarted as one, whoever waited for the first', () => {
  const files = new InventedProcesses()
  const [systemd, first, second] = [400, 401, 402]
  files.start(systemd, 'systemd')
  files.start(first, 'myserver', systemd)
  files.works(first, 7)
  const processes = [{ pid: first, group: true }]
  const restarted = { ...known([]), processes }
  const { meter, pass } = started(restarted, files)
  meter.scan()
  pass(4, { [volley]: 0.5, [first]: 0.8, [yes]: 0.05 })
  files.end(first)
  files.start(second, 'myserver', systemd)
  pass(1, {})
  processes.push({ pid: second, group: true })
  pass(5, { [volley]: 0.5, [second]: 0.8, [yes]: 0.05 })
  const use = meter.useSince(0)!
  expect(use.otherCores).toBeCloseTo(0.045)
  expect(use.programs.map(({ name }) => name)).toEqual(['yes'])
})

/** Sixteen cores, of which this process may use the first two; `yes` runs on a core that is given. */
function bound(core: number, knownServer?: KnownServer) {
  const files = new InventedProcesses()
  files.busyByCore.push(...Array<number>(16).fill(0))
  files.others.set('/proc/self/status', 'Name:\tnode\nCpus_allowed_list:\t0-1\n')
  const all = started(knownServer, files)
  files.runsOn(volley, 0)
  files.runsOn(server, 1)
  files.runsOn(yes, core)
  return all
}

test('MachineMeter of a process that is bound to some cores leaves out what others do on the rest', () => {
  const { meter, pass } = bound(7)
  meter.scan()
  meter.otherCoresSince()
  pass(5, { [volley]: 0.9, [server]: 0.8, [yes]: 1 })
  expect(meter.useSince(0)).toMatchObject({ cores: 2, isPart: true, otherCores: 0, programs: [] })
  expect(meter.otherCoresSince()).toBeCloseTo(0)
})

test('MachineMeter of a process that is bound to some cores says what others used of these', () => {
  const { files, meter, pass } = bound(1)
  meter.scan()
  meter.otherCoresSince()
  pass(5, { [volley]: 0.9, [server]: 0.3, [yes]: 0.3 })
  // It ran on many cores, and a third of its time on one of ours.
  files.runsOn(yes, 7)
  pass(5, { [volley]: 0.9, [server]: 0.3, [yes]: 0.6 })
  const use = meter.useSince(0)!
  expect(use).toMatchObject({ cores: 2, isPart: true, programs: [{ name: 'yes', cores: 0.45 }] })
  expect(use.otherCores).toBeCloseTo(0.15)
  expect(use).not.toHaveProperty('areUnseen')
  expect(meter.otherCoresSince()).toBeCloseTo(0.15)
})

test('MachineMeter of a process that is bound to some cores knows a server that is bound to others', () => {
  const { files, meter, pass } = bound(1)
  files.runsOn(server, 5)
  files.others.set(`/proc/${server}/status`, 'Cpus_allowed_list:\t4-5\n')
  meter.scan()
  meter.otherCoresSince()
  pass(5, { [volley]: 0.5, [server]: 1, [yes]: 0.4 })
  expect(meter.useSince(0)!.otherCores).toBeCloseTo(0.4)
  expect(meter.otherCoresSince()).toBeCloseTo(0.4)
})

test('MachineMeter goes by the cores of the machine where this process may use all of them', () => {
  const { files, meter, pass } = bound(7)
  files.others.set('/proc/self/status', 'Cpus_allowed_list:\t0-15\n')
  const free = new MachineMeter({
    ...{ self: volley, files, clock: { now: () => files.now } },
    ...{ cores: 2, workers: 1, server: known([server]) },
  })
  meter.scan()
  free.scan()
  pass(5, { [volley]: 0.9, [yes]: 1 })
  expect(free.useSince(0)).toMatchObject({ cores: 16, otherCores: 1, programs: [{ name: 'yes', cores: 1 }] })
  expect(free.useSince(0)).not.toHaveProperty('isPart')
})

test('MachineMeter reads this machine', () => {
  const meter = new MachineMeter({ cores: 2, workers: 1, server: known([]) })
  expect(() => meter.scan()).not.toThrow()
  expect(() => meter.otherCoresSince()).not.toThrow()
})
