import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { readJournal } from '../report/journal.ts'
import { cleanUp, listen, run, scenarioFile, spawnVolley } from './testing/volley.ts'

afterEach(cleanUp)

describe('volley run', () => {
  test('keeps a journal with one line per second, each with the totals so far', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const file = scenarioFile(
      `name: journal\ntarget: { address: "${url}" }\nprotocol: line\nconnections: 4\nloop: [{ send: hello, think: 1ms }]\n`,
    )
    const { folder, report } = await run(file, '-d', '1s', '--warmup', '1s')
    const journal = await readJournal(join(folder, 'journal.ndjson'))
    expect(journal.entries).toHaveLength(2)
    expect(journal.entries.map(entry => entry.warmup)).toEqual([true, false])
    expect(report.intervals).toHaveLength(2)
    expect(report.throughput.perSecond).toHaveLength(1)
    expect(journal.entries.at(-1)!.totals.completed).toBeLessThanOrEqual(report.totals.completed)
    // The responses include the requests that were in flight at the end and answered soon after.
    const late = report.latencyMs.response.count - report.window.completed
    expect(late).toBeGreaterThanOrEqual(0)
    expect(late).toBeLessThanOrEqual(report.totals.inFlightAtEnd)
    const { response } = report.latencyMs
    // A busy machine may leave too few requests for a p99.
    const { p50, p99 = response.max, max } = response
    expect(p50!).toBeLessThanOrEqual(p99)
    expect(p99).toBeLessThanOrEqual(max)
  })

  test('starts the echo server for a fixed reply length', async () => {
    const protocol = '{raw: {reply: {bytes: 5}}}'
    const flags = ['-c', '4', '-n', '100', '--send', 'hello', '--protocol', protocol]
    const { code, report } = await run('scenarios/echo-loopback.yaml', ...flags)
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
  })
})

describe('in a process of its own', () => {
  test('volley validate, volley list and volley compare give their exit codes', async () => {
    const ended = await Promise.all(
      [['validate', 'scenarios/once.yaml', 'no/such.yaml'], ['list'], ['compare', 'one']].map(
        args => spawnVolley(args).ended,
      ),
    )
    expect(ended.map(({ code }) => code)).toEqual([2, 0, 2])
    expect(ended[0]!.stdout).toBe('scenarios/once.yaml: ok\n')
    expect(ended[0]!.stderr).toContain('no/such.yaml')
    expect(ended[1]!.stdout).toContain('once.yaml')
    expect(ended[2]!.stderr).toContain('compare needs two reports or more')
  })

  test('volley schema ends quietly when its reader closes the pipe', async () => {
    const started = spawnVolley(['schema'])
    started.process.stdout!.destroy()
    const { code, stderr } = await started.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})
