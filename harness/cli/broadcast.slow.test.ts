import { afterEach, describe, expect, test } from 'vitest'
import {
  broadcastServer,
  expectPythonAgrees,
  expectTimedDeliveries,
  expectWhole,
  findingsOf,
  roomScenario,
} from './testing/broadcast.ts'
import { skipWithout } from './testing/programs.ts'
import { cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

const quick = ['-d', '1s', '--warmup', '0s']
const counted = ['-n', '5000', '--warmup', '0s']

describe('volley run with the broadcast server', () => {
  test.each(['epoll', 'node'])('counts and times deliveries from the other connections, over %s', async name => {
    await expectTimedDeliveries(...quick, '--transport', name)
  })

  test('counts the deliveries between the connections of two workers', async () => {
    const { report } = await run(roomScenario('{ serve: broadcast }'), ...quick, '-w', '2')
    expectWhole(report)
    expect(report.deliveries!.serverSent).toBe(report.deliveries!.count)
  })

  test('waits for deliveries that are still on their way after the last reply', async () => {
    const file = roomScenario('{ serve: broadcast, relay: { rtt: 100ms, jitter: 50ms } }')
    const { code, report } = await run(file, '-n', '50')
    expect(code).toBe(0)
    expectWhole(report)
    expect(report.deliveries).toMatchObject({ expected: 200 })
  })

  test('reports no loss when connections open and close during the run', async () => {
    const { code, report } = await run(roomScenario('{ serve: broadcast }', 'load: { mode: once }'))
    expect(code).toBe(0)
    expect(report.verdict).not.toBe('suspect')
    expect(report.deliveries!.inexact).toBe('connections opened or closed during the run')
  })

  test('counts a connection closed by its own message as a failure', async () => {
    const file = scenarioFile(
      'name: leave\ntarget: { serve: broadcast }\nprotocol: broadcast\nconnections: 2\nrequests: 4\nloop: [{ send: /q }]\nreconnect: { when: never }\n',
    )
    const { report } = await run(file)
    expect(report.totals).toMatchObject({ completed: 0, failed: 2, failures: { 'closed-early': 2 } })
    expect(report.deliveries).toMatchObject({ count: 0, serverSent: 0 })
  })
})

describe('volley run with another broadcast server', () => {
  test('finds nothing when no delivery is lost', async () => {
    const { report } = await run(roomScenario(await broadcastServer(() => 1)), ...counted)
    expectWhole(report)
    expect(report.deliveries).toMatchObject({ expected: 20_000 })
    expect(report.deliveries!.serverSent).toBeUndefined()
  })

  test('finds that some deliveries are sent twice', async () => {
    const target = await broadcastServer(delivery => (delivery % 100 === 99 ? 2 : 1))
    const { report } = await run(roomScenario(target), ...counted)
    expect(findingsOf(report)).toEqual([
      expect.stringMatching(
        /^suspect: 20[12]\d\d deliveries arrived, but 5000 messages to 4 other connections each make at most 20000$/,
      ),
    ])
  })

  const cases = (['ascii', 'utf8'] as const).flatMap(encoding =>
    ['epoll', 'node'].map(transport => [encoding, transport] as const),
  )
  test.for(cases)('agrees with one in Python that writes %s, over %s', async ([encoding, transport], { skip }) => {
    skipWithout('python3', '--version', 'python3', skip)
    await expectPythonAgrees(encoding, 20_000, ...counted, '--transport', transport)
  })
})
