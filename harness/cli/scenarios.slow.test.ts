import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import { scenarioJsonSchema } from '../scenario/schema/jsonSchema.ts'
import { loadLibc } from '../transports/libc.ts'
import { balances, cleanUp, run, volley } from './testing/volley.ts'

afterEach(cleanUp)

const folder = join(packageRoot, 'scenarios')
const files = readdirSync(folder).filter(file => file.endsWith('.yaml'))
const hasRedis = spawnSync('redis-server', ['--version']).status === 0

/** A skipped test says why; in CI the program has to be there. */
function skipWithoutRedis(skip: (why: string) => void): void {
  if (hasRedis) return
  if (process.env['CI'] === 'true') throw new Error('redis-server is not installed, and CI must have it')
  console.warn('skipped: redis-server is not installed ("apt-get install redis-server")')
  skip('redis-server is not installed')
}

const libc = loadLibc()
const transports = typeof libc === 'string' ? ['node'] : ['node', 'epoll']
if (typeof libc === 'string') console.warn(`skipped: the scenarios over epoll, because ${libc}`)

describe.each(files)('%s', file => {
  test.for(transports)('runs on %s without a failure, and its accounts are in order', async (transport, { skip }) => {
    if (file.startsWith('redis')) skipWithoutRedis(skip)
    // Shorter than it is shipped: the length of a run changes nothing that is looked at here.
    const isCounted = ['once.yaml', 'sticky-packets.yaml', 'split-packets.yaml'].includes(file)
    const shorter = isCounted ? [] : ['-d', '1s', '--warmup', '200ms']
    // What is lost on the way is what that scenario is for; its threshold is a time, which a busy machine need not keep.
    const isLossy = file === 'udp-lossy.yaml'
    const flags = ['--transport', transport, ...shorter, ...(isLossy ? ['--set', 'thresholds=[]'] : [])]
    const { code, report, stderr, stdout } = await run(join('scenarios', file), ...flags)
    expect(report.transport).toBe(transport === 'node' && file.startsWith('udp') ? 'udp' : transport)
    expect(`${stderr}${stdout}`).not.toContain('Error')
    // A plan that a busy machine cannot keep makes a run invalid, and that is as it should be.
    const isPlanned = report.scenario.load.mode === 'rate'
    expect(isPlanned ? [0, 4] : [0]).toContain(code)
    const lost = isLossy ? report.datagrams!.lost : 0
    expect(report.totals.failures).toEqual(lost > 0 ? { timeout: lost } : {})
    expect(report.totals.completed).toBeGreaterThan(0)
    expect(balances(report)).toBe(true)
    const errors = report.findings.filter(({ code }) => code === 'conservation' || (code === 'errors' && !isLossy))
    expect(errors).toEqual([])
    if ('serve' in report.scenario.target && !isLossy) {
      const { completed, inFlightAtEnd, handshakes } = report.totals
      expect(report.server?.requests).toBe(completed + inFlightAtEnd + handshakes.sent)
    }
  })

  test('names the schema in its first comment', () => {
    const text = readFileSync(join(folder, file), 'utf8')
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./scenario.schema.json')
  })
})

describe('a server without framing', () => {
  const inEnvironment = async (name: string, environment: string) => {
    const { code, report, stdout } = await run(join('scenarios', `${name}-packets.yaml`), '--env', environment)
    expect(balances(report)).toBe(true)
    const { sent, completed, failures } = report.totals
    return { code, sent, completed, failures, counted: report.server?.requests, report, stdout }
  }

  test('sticky-packets.yaml takes ten messages for one or a few, and those left over are never answered', async () => {
    const naive = await inEnvironment('sticky', 'naive')
    expect(naive).toMatchObject({ code: 1, sent: 1000 })
    expect(naive.completed).toBe(naive.counted)
    expect(naive.completed).toBeGreaterThanOrEqual(100)
    expect(naive.completed).toBeLessThan(500)
    expect(naive.failures).toEqual({ timeout: 1000 - naive.completed })
    expect(naive.report.findings.map(({ code }) => code)).toContain('errors')
    const framed = await inEnvironment('sticky', 'framed')
    expect(framed).toMatchObject({ code: 0, sent: 1000, completed: 1000, failures: {}, counted: 1000 })
  })

  test('split-packets.yaml takes a message for two, and the audit finds that it counted too many', async () => {
    const naive = await inEnvironment('split', 'naive')
    expect(naive).toMatchObject({ code: 4, sent: 2000, completed: 2000 })
    expect(naive.counted).toBeGreaterThan(2000)
    expect(naive.report.findings.map(({ code }) => code)).toContain('conservation')
    expect(naive.stdout).toContain('WRONG: 2,000 answered, 2,000 sent')
    const framed = await inEnvironment('split', 'framed')
    expect(framed).toMatchObject({ code: 0, sent: 2000, completed: 2000, failures: {}, counted: 2000 })
  })
})

test('scenario.schema.json is what "volley schema" prints', async () => {
  const { code, stdout } = await volley('schema')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(scenarioJsonSchema())))
  expect(readFileSync(join(folder, 'scenario.schema.json'), 'utf8')).toBe(stdout)
})

test('volley validate and volley list know every shipped scenario', async () => {
  const validated = await volley('validate', ...files.map(file => join('scenarios', file)))
  expect(validated).toMatchObject({ code: 0, stderr: '' })
  const listed = await volley('list')
  expect(listed.stdout.trim().split('\n')).toHaveLength(files.length)
  expect(listed.stdout).not.toContain('faults')
})
