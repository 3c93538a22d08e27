import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEcho } from '../targets/services/echo.ts'
import { endServices, startService } from '../targets/testing/services.ts'
import {
  exitCodeOf,
  load,
  type Observer,
  openReportFolder,
  override,
  prepare,
  readReport,
  reportPath,
  run,
  UnsavedReport,
  UserError,
} from './api.ts'
import { readJournal } from './report/journal.ts'

const folder = mkdtempSync(join(tmpdir(), 'volley-'))
/** The address of a reference server that echoes lines. */
let url = ''

beforeAll(async () => {
  const { address } = await startService(createEcho({ name: 'line', delimiter: '\n', maxFrame: 1024 }))
  url = `tcp://127.0.0.1:${'port' in address ? address.port : 0}`
})
afterAll(async () => {
  await endServices()
  rmSync(folder, { recursive: true })
})

function scenarioFile(yaml: string, name = 'scenario.yaml'): string {
  const file = join(folder, name)
  writeFileSync(file, yaml)
  return file
}

/** Two connections that send lines, for as long as the settings say. */
function echoScenario(length = 'requests: 200') {
  const text = `name: lines\ntarget: { address: "${url}" }\nprotocol: line\nconnections: 2\n${length}\nloop: [{ send: hello, expect: echo }]\n`
  return load(scenarioFile(text))
}

describe('run()', () => {
  test('returns the report, and writes nothing without a folder', async () => {
    const before = readdirSync('.')
    const report = await run(await echoScenario())
    const totals = { sent: 200, completed: 200, failures: {} }
    expect(report).toMatchObject({ schema: 'volley.report/1', target: url, totals })
    // 200 requests prove nothing.
    expect(report.verdict).toBe('unproven')
    expect([exitCodeOf(report, false), exitCodeOf(report, true)]).toEqual([0, 4])
    expect(readdirSync('.')).toEqual(before)
  })

  test('calls its observers from the start to the end', async () => {
    const calls: string[] = []
    let most = 0
    const observer: Observer = {
      started: ({ title, facts }) => calls.push(`started ${title.name} ${facts.target}`),
      progressed(view) {
        if (calls.at(-1) !== 'progressed') calls.push('progressed')
        most = Math.max(most, view.snapshot().completed)
      },
      second: ({ interval, totals }) => calls.push(`second ${interval.second} of ${totals.completed > 0}`),
      ended: () => calls.push('ended'),
    }
    const loaded = await echoScenario('duration: 1500ms\nwarmup: 0s')
    const report = await run(loaded, { observers: [observer, {}], ceiling: 'never' })
    // A view may follow the last second before the workers have ended.
    if (calls.at(-2) === 'progressed') calls.splice(-2, 1)
    // The last second is a part of one.
    const seconds = ['progressed', 'second 1 of true', 'progressed', 'second 2 of true']
    expect(calls).toEqual([`started lines ${url}`, ...seconds, 'ended'])
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(report.totals.completed)
  })

  test('saves a report and a journal in the folder, which is made only when the target answers', async () => {
    const out = join(folder, 'out')
    const unreachable = await load('tcp://127.0.0.1:1')
    await expect(run(unreachable, { folder: out })).rejects.toThrow(
      'cannot reach tcp://127.0.0.1:1: connection refused',
    )
    expect(existsSync(out)).toBe(false)
    const report = await run(await echoScenario(), { folder: out })
    expect(readdirSync(out).sort()).toEqual(['journal.ndjson', 'report.json'])
    expect(await readReport(reportPath(out))).toEqual(JSON.parse(JSON.stringify(report)))
    expect((await readJournal(join(out, 'journal.ndjson'))).entries).toMatchObject([{ second: 1, completed: 200 }])
    const made = () => openReportFolder(folder, 'lines')
    await run(await echoScenario(), { folder: made })
    const [name] = readdirSync(join(folder, 'lines'))
    expect(existsSync(reportPath(join(folder, 'lines', name!)))).toBe(true)
  })

  test('gives the report where it cannot be saved', async () => {
    const out = join(folder, 'removed')
    const remover: Observer = { started: () => rmSync(out, { recursive: true }) }
    const unsaved = await run(await echoScenario(), { folder: out, observers: [remover] }).catch(error => error)
    expect(unsaved).toBeInstanceOf(UnsavedReport)
    expect(unsaved.message).toBe(`cannot write ${reportPath(out)}: there is no such file or folder`)
    expect(unsaved.report.totals).toMatchObject({ sent: 200, completed: 200 })
  })

  test('refuses a folder that another run writes to, and leaves its files alone', async () => {
    const out = join(folder, 'shared')
    let second: unknown
    const other: Observer = {
      async started() {
        second = await run(await echoScenario(), { folder: out }).catch(error => error)
        stop.abort()
      },
    }
    const stop = new AbortController()
    const first = await run(await echoScenario('duration: 20s'), {
      folder: out,
      observers: [other],
      signal: stop.signal,
    })
    expect(second).toBeInstanceOf(UserError)
    expect((second as UserError).message).toContain(`another run writes to ${out}: process ${process.pid}`)
    expect(readdirSync(out).sort()).toEqual(['journal.ndjson', 'report.json'])
    expect((await readReport(out)).totals).toEqual(first.totals)
  })

  test('takes what was prepared before, and ends early when its signal fires', async () => {
    const loaded = await echoScenario('duration: 20s\nwarmup: 0s')
    const prepared = await prepare(loaded)
    const controller = new AbortController()
    const stop: Observer = { progressed: () => controller.abort() }
    const report = await run(loaded, { prepared, observers: [stop], signal: controller.signal })
    expect(report.interrupted).toBe(true)
    expect(report.seed).toBe(prepared.seed)
    expect(exitCodeOf(report, false)).toBe(130)
  })
})

describe('load()', () => {
  test('takes overrides, the last of a path winning, and variables', async () => {
    const overrides = [override('connections', 3), override('load.pipeline', 4), override('connections', 5)]
    const file = scenarioFile(
      `name: x\ntarget: { address: "${url}" }\nprotocol: line\nloop: [{ send: "\${WHO}" }]\n`,
      'variables.yaml',
    )
    const { scenario } = await load(file, {
      overrides: [...overrides, override('loop[0].expect', 'echo')],
      variables: { WHO: 'me' },
    })
    expect(scenario).toMatchObject({ connections: 5, load: { pipeline: 4 }, loop: [{ send: 'me', expect: 'echo' }] })
  })

  test('takes one of the environments', async () => {
    const file = scenarioFile(
      `name: places\ntarget: { serve: echo }\nenvironments: { there: { address: "${url}" } }\nprotocol: line\nloop: [{ send: a }]\n`,
      'environments.yaml',
    )
    const { scenario } = await load(file, { environment: 'there' })
    expect(scenario.target).toEqual({ address: url })
    await expect(load(file, { environment: 'moon' })).rejects.toThrow('places has no environment "moon"')
  })

  test('rejects with every fault and its place', async () => {
    const file = scenarioFile(
      'name: x\ntarget: { serve: echo }\nprotocol: raw\nconections: 10\nduration: 10 parsecs\nloop: [{ send: a }]\n',
      'faulty.yaml',
    )
    const error: unknown = await load(file, { overrides: [override('timeout', 'soon')] }).catch(error => error)
    expect(error).toBeInstanceOf(UserError)
    const places = (error as UserError).faults.map(({ place }) => place)
    expect(places).toEqual([`${file}:4:1`, `${file}:5:11`, 'timeout'])
  })
})

test('override() rejects what is no path', () => {
  expect(override('load.pipeline', 4)).toEqual({ path: ['load', 'pipeline'], value: 4, origin: 'load.pipeline' })
  expect(override('loop[0].send', 'a').path).toEqual(['loop', 0, 'send'])
  expect(() => override('load..pipeline', 4)).toThrow('expected a path such as load.pipeline, got "load..pipeline"')
})
