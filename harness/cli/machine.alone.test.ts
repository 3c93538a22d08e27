import { spawnSync } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import { builtFile } from '../built.ts'
import { Program, skipWithout } from './testing/programs.ts'
import { cleanUp, scenarioFile, spawnRun, startServer, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

const isLinux = process.platform === 'linux'

/** Leaves the processor to others, as most servers do. */
const unhurried = (target: string) => `name: unhurried
target: ${target}
protocol: line
connections: 4
warmup: 0s
loop: [{ send: ping, think: 1ms }]
`

/** A program that keeps a core busy, and ends by itself. */
function startBusyLoop(): Promise<string> {
  const work = `process.title = 'busyloop'; console.log('up'); const end = Date.now() + 8000; while (Date.now() < end);`
  return new Program(process.execPath, ['-e', work]).says(/up/)
}

describe.skipIf(!isLinux)('a run on a machine with other programs (only Linux tells of them)', () => {
  test('names the busy ones before every other explanation', async () => {
    await Promise.all([startBusyLoop(), startBusyLoop()])
    const { stdout, report } = await spawnRun([
      scenarioFile(unhurried('{ serve: echo }')),
      ...['-d', '1500ms', '--set', 'warmup=0s'],
    ]).ended()
    const [first] = report.findings.filter(({ severity }) => severity !== 'note')
    expect(first).toMatchObject({ code: 'machine-busy', severity: 'suspect' })
    const { programs, otherCores, waitShare } = report.machine!
    expect(first!.message).toMatch(/^other programs used [\d.]+ of \d+ cores? /)
    expect(first!.message).toContain(`: ${programs[0]!.name} ${Math.round(programs[0]!.cores * 100)} %`)
    // Where other tests keep the machine even busier, the three that are named are those.
    const named = programs.map(({ name }) => name)
    if (!named.includes('busyloop')) expect(programs.map(({ cores }) => cores > 0.1)).toEqual([true, true, true])
    expect(stdout).toMatch(/^ {2}! machine-busy {3}other programs used/m)
    expect(otherCores).toBeGreaterThan(0.05)
    expect(waitShare).toBeGreaterThanOrEqual(0)
    expect(report.intervals[0]!.otherCores).toBeGreaterThanOrEqual(0)
  })

  test('finds the process of a server that was there before, with its CPU per request', async () => {
    const { url, process: server } = await startServer(['echo', '--protocol', 'line'])
    expect(server.pid).toBeGreaterThan(0)
    const { report } = await spawnRun([scenarioFile(unhurried(`{ address: "${url}" }`)), '-d', '1500ms']).ended()
    expect(report.server!.cpuMicrosPerRequest).toBeGreaterThan(0)
    expect(report.machine).not.toHaveProperty('takenForServer')
    expect(report.machine!.serverWaitShare).toBeGreaterThanOrEqual(0)
  })
})

describe('a run whose client has few ports', () => {
  /** A run in a network of its own with 50 ports, each of which stays taken for a minute once its connection was closed. */
  async function withFewPorts(skip: (why: string) => void, ...flags: string[]) {
    skipWithout('ip', '-V', 'iproute2', skip)
    if (spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up']).status !== 0) {
      console.warn('skipped: this user may not make a network of its own (unshare -n)')
      skip('no network namespaces')
    }
    const folder = temporaryFolder()
    const settings = 'echo "40000 40049" > ip_local_port_range && echo 0 > tcp_tw_reuse'
    const run = `cd ${process.cwd()} && exec "${process.execPath}" "${builtFile('harness/cli/main')}" run "$@"`
    const script = `ip link set lo up && cd /proc/sys/net/ipv4 && ${settings} && ${run}`
    const churn = ['--set', 'reconnect.when=every-request', '--out', folder, '--json']
    const file = scenarioFile(unhurried('{ serve: echo }'))
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['-n', 'sh', '-c', script, 'sh', file, ...churn, '--quiet', ...flags],
      { encoding: 'utf8', timeout: 20_000, env: { ...process.env, XDG_CACHE_HOME: folder } },
    )
    expect(stderr).toBe('')
    return { status, report: JSON.parse(stdout) }
  }

  test('is told that its ports are the limit', async ({ skip }) => {
    const { report } = await withFewPorts(skip, '-d', '1s', '--set', 'sourceAddresses=none')
    expect(report).not.toHaveProperty('sourceAddresses')
    const found = report.findings.filter(({ code }: { code: string }) => code === 'ports')
    expect(found).toHaveLength(1)
    expect(found[0].severity).toBe('suspect')
    expect(found[0].message).toContain('50 ports from one address')
    expect(found[0].hint).toContain('sourceAddresses')
  })

  test.for(['node', 'epoll'])('takes more addresses by itself, with the transport %s', async (transport, { skip }) => {
    const { report } = await withFewPorts(skip, '-n', '500', '--set', `transport=${transport}`)
    expect(report.sourceAddresses).toHaveLength(64)
    expect(report.totals).toMatchObject({ completed: 500, failed: 0, failures: {} })
    expect(report.findings.map(({ code }: { code: string }) => code)).not.toContain('ports')
  })
})
