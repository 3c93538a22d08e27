import { expect, test } from 'vitest'
import { ServerProcesses } from './serverProcesses.ts'
import { InventedProcesses } from './testing/inventedProcesses.ts'

const self = 100
const listensAt = { scheme: 'tcp', host: '127.0.0.1', port: 8080 } as const

/** A machine on which processes listen at port 8080, each with a socket of its own. */
function machine(...listening: [pid: number, name: string, parent?: number][]) {
  const files = new InventedProcesses()
  files.start(50, 'bash')
  files.start(self, 'node', 50)
  const listens = (pid: number) => {
    const row = `   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${pid}7 1\n`
    const table = files.others.get('/proc/net/tcp') ?? 'sl local\n'
    files.others.set('/proc/net/tcp', table + row)
    files.others.set(`/proc/${pid}/fd/6`, `socket:[${pid}7]`)
  }
  const start = (pid: number, name: string, parent = 1) => {
    files.start(pid, name, parent)
    listens(pid)
  }
  const end = (pid: number) => {
    files.end(pid)
    files.others.delete(`/proc/${pid}/fd/6`)
  }
  for (const one of listening) start(...one)
  const look = (started?: number) =>
    new ServerProcesses({
      ...{ files, self, listensAt, clock: { now: () => files.now } },
      started: started === undefined ? undefined : { pid: started, group: true },
    })
  return { files, start, end, look }
}

const pids = ({ processes }: ServerProcesses) => processes.map(({ pid }) => pid)

test('ServerProcesses are those that listen', () => {
  const server = machine([200, 'nginx']).look()
  expect(server.processes).toEqual([{ pid: 200, group: true }])
  expect(server).toMatchObject({ isHidden: false, areForwarders: false })
})

test('ServerProcesses of a command are that which it started, and not once more what listens in it', () => {
  const own = machine([301, 'node', 300])
  own.files.start(300, 'sh', self)
  expect(pids(own.look(300))).toEqual([300])
  expect(own.look(300).isHidden).toBe(false)
})

test('ServerProcesses of a command that asked another program to start the server are also what listens', () => {
  const container = machine([900, 'myserver', 800])
  container.files.start(800, 'containerd-shim')
  container.files.start(300, 'docker', self)
  expect(pids(container.look(300))).toEqual([300, 900])
  expect(container.look(300).isHidden).toBe(false)
})

test('ServerProcesses are hidden where what listens cannot be seen, or only passes connections on', () => {
  const unseen = machine()
  unseen.files.start(300, 'docker', self)
  expect(unseen.look(300)).toMatchObject({ isHidden: true, areForwarders: false })
  expect(pids(unseen.look(300))).toEqual([300])
  expect(unseen.look()).toMatchObject({ isHidden: true, processes: [] })
  const passing = machine([900, 'docker-proxy'])
  expect(passing.look(300)).toMatchObject({ isHidden: true, areForwarders: true })
  expect(machine([self + 1, 'x']).look().isHidden).toBe(false)
})

test('ServerProcesses are not looked for where there is no address', () => {
  const { files } = machine([200, 'nginx'])
  const none = new ServerProcesses({ files, self })
  expect(none).toMatchObject({ isHidden: false, processes: [] })
  none.lookUp()
  expect(none.processes).toEqual([])
})

test('ServerProcesses are found again after a restart, which is looked for now and then', () => {
  const restarted = machine([200, 'nginx'])
  const server = restarted.look()
  restarted.files.now = 2000
  restarted.end(200)
  server.check()
  restarted.start(201, 'nginx')
  server.check()
  expect(pids(server)).toEqual([200])
  restarted.files.now = 5000
  server.check()
  expect(pids(server)).toEqual([200, 201])
  // Nothing has ended since, so nothing is looked for.
  restarted.start(202, 'nginx')
  restarted.files.now = 6000
  server.check()
  expect(pids(server)).toEqual([200, 201])
  server.lookUp()
  expect(pids(server)).toEqual([200, 201, 202])
})

test('ServerProcesses stay what they were while nothing listens, and forget a number that another process has got', () => {
  const gone = machine([200, 'nginx'])
  const server = gone.look()
  gone.end(200)
  server.lookUp()
  expect(server.isHidden).toBe(false)
  expect(pids(server)).toEqual([200])
  gone.files.start(200, 'make')
  gone.start(201, 'nginx')
  server.lookUp()
  expect(pids(server)).toEqual([201])
})
