import { afterEach, describe, expect, test } from 'vitest'
import {
  broadcastServer,
  expectPythonAgrees,
  expectTimedDeliveries,
  findingsOf,
  lateMax,
  roomScenario,
} from './testing/broadcast.ts'
import { skipWithout } from './testing/programs.ts'
import { referenceServer } from './testing/referenceServer.ts'
import { cleanUp, Invocation, run } from './testing/volley.ts'

afterEach(cleanUp)

const counted = ['-n', '2000', '--warmup', '0s']

describe('volley run with the broadcast server', () => {
  test('counts and times deliveries from the other connections', async () => {
    await expectTimedDeliveries('-d', '300ms', '--warmup', '0s')
  })
})

describe('volley run with another broadcast server', () => {
  test('finds that every hundredth delivery is lost', async () => {
    const target = await broadcastServer(delivery => (delivery % 100 === 99 ? 0 : 1))
    const { code, report, stdout } = await run(roomScenario(target), ...counted)
    expect(code).toBe(0)
    expect(report.verdict).toBe('suspect')
    const [finding, ...others] = findingsOf(report)
    expect(others).toEqual([])
    const [, missing] = /^suspect: (\d+) of 8000 deliveries did not arrive: 2000 messages were /.exec(finding!)!
    // The server does not count deliveries to connections that it had not accepted yet.
    expect(Number(missing)).toBeGreaterThanOrEqual(80 - 1)
    expect(Number(missing)).toBeLessThanOrEqual(80 + lateMax(5))
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`! deliveries ${missing} of 8000 deliveries did not arrive`)
    expect(stdout).toMatch(/7,[89]\d\d in total: 8,000 expected/)
  })

  test('agrees with one in Python that writes UTF-8', async ({ skip }) => {
    skipWithout('python3', '--version', 'python3', skip)
    await expectPythonAgrees('utf8', 8000, ...counted)
  })
})

test('volley talk shows replies and deliveries, and leaves with /q', async () => {
  const { url } = await referenceServer('broadcast')
  const talk = new Invocation(['talk', url, '--protocol', 'broadcast'], { stdin: 'hello\n/q\n' })
  const { code, stdout, stderr } = await talk.ended
  expect(stdout).toMatch(/^127\.0\.0\.1:\d+: 已经收到信息\n$/)
  expect(stderr).toContain('the server closed the connection')
  expect(code).toBe(2)
})
