import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Finding } from '../audit/finding.ts'
import { UserError } from '../errors.ts'
import type { Report } from '../report/record.ts'
import { sampleReport } from '../report/testing/samples.ts'
import { parseScenario } from '../scenario/load.ts'
import type { SearchProgress } from './observer.ts'
import { prepareScenario } from './prepare.ts'
import type { RunOptions, runScenario } from './run.ts'
import { searchScenario } from './search.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

type Probe = (rate: number, probe: number) => Partial<Report>

const held: Partial<Report> = { thresholds: [{ expression: 'p50 < 50ms', ok: true, actual: 1 }] }
const missed: Partial<Report> = { thresholds: [{ expression: 'p50 < 50ms', ok: false, actual: 60 }] }

function holdsUpTo(capacity: number): Probe {
  return rate => (rate <= capacity ? held : missed)
}

function finding(code: Finding['code'], severity: Finding['severity']): Finding {
  return { code, severity, message: 'found', hint: 'do something', value: 1, limit: 0 }
}

/** A search whose probes return the sample report with changes; the scenario as each probe got it, and the result. */
async function search(probe: Probe, settings = 'load: { mode: search, rate: 200/s }', options: RunOptions = {}) {
  const text = `name: searched\ntarget: { address: "tcp://192.0.2.1:7" }\nprotocol: line\nconnections: 32\nduration: 10s\n${settings}\nloop: [{ send: hello }]\nthresholds: [p50 < 50ms]\n`
  const loaded = parseScenario(text, 'searched.yaml', [], {})
  const rates: number[] = []
  const told: (SearchProgress | undefined)[] = []
  const runProbe: typeof runScenario = async ({ scenario }, _, { openFolder, search } = {}) => {
    await openFolder?.()
    told.push(search)
    const { rate } = scenario.load
    expect(scenario.load.mode).toBe('rate')
    rates.push(rate!)
    return { report: { ...sampleReport, scenario, findings: [], ...probe(rate!, rates.length) } }
  }
  const result = await searchScenario(loaded, await prepareScenario(loaded), options, runProbe)
  return { rates, told, ...result }
}

test('searchScenario() doubles the rate, then halves the interval; its report is that of the highest rate that held', async () => {
  const { rates, told, report, path } = await search(holdsUpTo(500))
  // A rate that does not hold is tried twice.
  expect(rates).toEqual([200, 400, 800, 800, 600, 600, 500, 550, 550, 525, 525])
  expect(told[0]).toEqual({ probe: 1, probes: [] })
  expect(told[5]).toMatchObject({ probe: 6, held: 400, failed: 800, left: { least: 5, most: 10 } })
  expect(told[5]!.probes).toEqual(report.search!.probes.slice(0, 5))
  expect(report.search).toMatchObject({ highestHeld: 500, lowestFailed: 525, end: 'found' })
  expect(report.search!.probes.map(({ rate }) => rate)).toEqual(rates)
  expect(report.search!.probes.map(({ outcome }) => outcome === 'held')).toEqual(rates.map(rate => rate <= 500))
  expect(report.search!.probes[2]).toMatchObject({ outcome: 'failed', why: ['p50 < 50ms'] })
  expect(report.scenario.load).toMatchObject({ mode: 'search', rate: 200 })
  expect(report.thresholds).toMatchObject([{ ok: true }])
  expect(report.interrupted).toBe(false)
  expect(path).toBeUndefined()
})

test('searchScenario() believes a rate that holds at the second attempt', async () => {
  const { rates, report } = await search((rate, probe) => (probe === 2 ? missed : holdsUpTo(500)(rate, probe)))
  expect(rates.slice(0, 4)).toEqual([200, 400, 400, 800])
  expect(report.search).toMatchObject({ highestHeld: 500, end: 'found' })
})

test('searchScenario() takes a rate that was not kept, or not for long, as failed', async () => {
  for (const found of [finding('rate', 'invalid'), finding('overloaded', 'suspect')]) {
    const { report } = await search(rate => (rate <= 500 ? held : { ...held, findings: [found] }))
    expect(report.search).toMatchObject({ highestHeld: 500, lowestFailed: 525 })
    expect(report.search!.probes.find(({ outcome }) => outcome === 'failed')!.why).toEqual([found.code])
  }
})

test('searchScenario() searches below a rate at which the client could not tell, which is a finding', async () => {
  const { rates, report } = await search(rate =>
    rate <= 500 ? held : { ...missed, findings: [finding('client-lag', 'invalid')] },
  )
  expect(rates).toEqual([200, 400, 800, 800, 600, 600, 500, 550, 550, 525, 525])
  expect(report.search).toMatchObject({ highestHeld: 500, clientLimitedAt: 525, end: 'client-limited' })
  expect(report.search!.lowestFailed).toBeUndefined()
  expect(report.search!.probes[2]).toMatchObject({ outcome: 'client-limited', why: ['client-lag', 'p50 < 50ms'] })
  expect(report.findings).toMatchObject([{ code: 'client-limited', severity: 'suspect', value: 500, limit: 525 }])
  expect(report.findings[0]!.message).toBe(
    'the client could not tell above 500/s: at 525/s the fault was its own (client-lag)',
  )
  expect(report.verdict).toBe('suspect')
})

test.each([
  'steal',
  'cpu-quota',
  'machine-busy',
  'client-stalled',
  'generator-busy',
  'client-limited',
  'client-lag',
  'arrivals',
])('searchScenario() puts no missed threshold on the server beside %s', async code => {
  const { report } = await search(rate => (rate <= 500 ? held : { ...missed, findings: [finding(code, 'suspect')] }))
  expect(report.search).toMatchObject({ highestHeld: 500, clientLimitedAt: 525, end: 'client-limited' })
  expect(report.search!.probes[2]).toMatchObject({ outcome: 'client-limited', why: [code, 'p50 < 50ms'] })
})

test("searchScenario() takes a rate as held whose thresholds hold beside the client's doubts, or too few requests", async () => {
  for (const found of [finding('client-lag', 'invalid'), finding('unproven', 'unproven')]) {
    const { report } = await search(rate => (rate <= 500 ? { ...held, findings: [found] } : missed))
    expect(report.search).toMatchObject({ highestHeld: 500, lowestFailed: 525, end: 'found' })
  }
})

test('searchScenario() puts a missed threshold on the server where the server is the cause, or failed at another attempt', async () => {
  const explained = { ...finding('client-lag', 'suspect'), explainedBy: 'target-gone' }
  const gone = [finding('target-gone', 'invalid'), explained]
  const caused = await search(rate => (rate <= 500 ? held : { ...missed, findings: gone }))
  expect(caused.report.search).toMatchObject({ highestHeld: 500, lowestFailed: 525, end: 'found' })
  let attempts = 0
  const once = await search(rate => {
    if (rate <= 500) return held
    return attempts++ % 2 === 0 ? { ...missed, findings: [finding('machine-busy', 'suspect')] } : missed
  })
  expect(once.report.search).toMatchObject({ highestHeld: 500, lowestFailed: 525, end: 'found' })
})

test('searchScenario() puts a rate that was not kept on the client where that is late too', async () => {
  const late = [finding('generator-busy', 'invalid'), finding('rate', 'invalid')]
  const { report } = await search(rate => (rate <= 500 ? held : { ...held, findings: late }))
  expect(report.search).toMatchObject({ highestHeld: 500, clientLimitedAt: 525, end: 'client-limited' })
  expect(report.search!.probes[2]!.why).toEqual(['generator-busy', 'rate'])
})

test('searchScenario() says so where the client could not tell at any rate', async () => {
  const { report } = await search(() => ({ ...missed, findings: [finding('machine-busy', 'suspect')] }))
  expect(report.search).toMatchObject({ end: 'client-limited' })
  expect(report.search!.highestHeld).toBeUndefined()
  const limited = report.findings.find(({ code }) => code === 'client-limited')
  expect(limited?.message).toMatch(
    /^the client could not tell at any rate that was tried: at [\d.]+\/s .*\(machine-busy\)$/,
  )
  expect(limited?.hint).toContain('close other programs')
})

test('searchScenario() starts no lower than the quantiles of its thresholds need samples for', async () => {
  const { rates } = await search(holdsUpTo(1e6), 'load: { mode: search, rate: 1/s }')
  // p50 needs ten samples beyond it, and a fifth more: 24 in ten seconds.
  expect(rates[0]).toBe(3)
  expect((await search(holdsUpTo(5000), 'load: { mode: search }')).rates[0]).toBe(1000)
})

test('searchScenario() saves each probe in its own folder below that of the search', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'volley-'))
  folders.push(folder)
  let opened = 0
  const openFolder = async () => {
    opened++
    return folder
  }
  const { rates, report, path } = await search(holdsUpTo(500), undefined, { openFolder })
  expect(opened).toBe(1)
  expect(path).toBe(join(folder, 'report.json'))
  expect(JSON.parse(readFileSync(path!, 'utf8')).search).toEqual(report.search)
  const names = rates.map((_, index) => String(index + 1).padStart(2, '0'))
  expect(names.filter(name => !existsSync(join(folder, 'probes', name)))).toEqual([])
})

test('searchScenario() ends when it is interrupted, or when a probe could not be finished', async () => {
  const controller = new AbortController()
  const interrupted = await search(
    (rate, probe) => {
      if (probe === 2) controller.abort()
      return holdsUpTo(500)(rate, probe)
    },
    undefined,
    { signal: controller.signal },
  )
  expect(interrupted.rates).toEqual([200, 400])
  expect(interrupted.report).toMatchObject({ interrupted: true, search: { highestHeld: 200, end: 'interrupted' } })
  const broken = await search((_, probe) => (probe === 2 ? { ...missed, error: 'the target ended' } : held))
  expect(broken.rates).toEqual([200, 400])
  expect(broken.report).toMatchObject({ error: 'the target ended', search: { highestHeld: 200, end: 'interrupted' } })
  await expect(search(holdsUpTo(500), undefined, { signal: AbortSignal.abort() })).rejects.toThrow(
    'the search was stopped before its first probe',
  )
})

test('searchScenario() keeps what earlier probes have shown when a later one cannot begin', async () => {
  const { report } = await search((rate, probe) => {
    if (probe === 3) throw new UserError('cannot reach it')
    return holdsUpTo(500)(rate, probe)
  })
  expect(report.search).toMatchObject({ highestHeld: 400, end: 'interrupted' })
  expect(report).toMatchObject({ error: 'cannot reach it', interrupted: false })
  const atOnce = search(() => {
    throw new UserError('cannot reach it')
  })
  await expect(atOnce).rejects.toThrow('cannot reach it')
})

test('searchScenario() returns its report where it cannot be saved, and says why', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'volley-search-'))
  folders.push(folder)
  const removing: Probe = (rate, probe) => {
    if (probe === 11) rmSync(folder, { recursive: true })
    return holdsUpTo(500)(rate, probe)
  }
  const { report, path, saveError } = await search(removing, undefined, { openFolder: async () => folder })
  expect(report.search).toMatchObject({ highestHeld: 500, end: 'found' })
  expect(path).toBeUndefined()
  expect(saveError!.message).toBe(`cannot write ${join(folder, 'report.json')}: there is no such file or folder`)
})
