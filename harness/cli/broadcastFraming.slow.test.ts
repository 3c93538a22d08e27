import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import { trials } from '../torture/catalog.ts'
import { named } from '../torture/testing/tortured.ts'
import { expectWhole, findingsOf, lateMax } from './testing/broadcast.ts'
import { Program, skipWithout } from './testing/programs.ts'
import { countsOf, startPython } from './testing/python.ts'
import { referenceServer } from './testing/referenceServer.ts'
import { balances, cleanUp, Invocation, run, scenarioFile, volley } from './testing/volley.ts'
import { volleyTorture } from './testing/volleyTorture.ts'

afterEach(cleanUp)

/** All trials but the crowd, of which every client gets the messages of all others: it says nothing of framing. */
const framingTrials = trials
  .map(({ name }) => name)
  .filter(name => name !== 'crowd')
  .join()

const counted = ['--warmup', '0s', '-n']

function scenarioOf(framing: string, target: string, connections: number): string {
  return scenarioFile(`
name: room
target: ${target}
protocol: { broadcast: { framing: ${framing} } }
connections: ${connections}
timeout: 20s
loop: [{ send: 'it is {{stamp}}' }]
`)
}

describe('volley run with a Python server that has no framing', () => {
  const cases = [
    ['epoll', ''],
    ['epoll', 'cut'],
    ['node', ''],
    ['node', 'cut'],
  ] as const
  test.for(cases)('counts what the server counts, over %s %s', async ([transport, cut], { skip }) => {
    const [connections, messages] = [40, 400]
    const { server, address } = await startPython(skip, 'broadcast_published.py', ...(cut === '' ? [] : [cut]))
    const file = scenarioOf('text', `{ address: "${address}" }`, connections)
    const { code, report } = await run(file, ...counted, String(messages), '--transport', transport)
    expect(code).toBe(0)
    expect(report.totals).toMatchObject({ sent: messages, completed: messages, failures: {} })
    expect(balances(report)).toBe(true)
    const { count, expected = 0, inexact, pieces = 0, latencyMs } = report.deliveries!
    const counts = await countsOf(server)
    // The run itself and the probe before it open connections.
    expect(counts).toMatchObject({ messages, undecoded: 0, acknowledgements: messages, deliveries: count })
    expect(inexact).toBeUndefined()
    expect(expected).toBe(messages * (connections - 1))
    expect(count).toBeLessThanOrEqual(expected)
    expect(count).toBeGreaterThanOrEqual(expected - lateMax(connections))
    expect(findingsOf(report).filter(finding => !finding.startsWith('note: '))).toEqual([])
    // A delivery is timed unless its stamp was cut.
    if (cut === '') expect(latencyMs.count).toBe(count)
    else expect(pieces).toBeGreaterThan(0)
    expect(latencyMs.count).toBeGreaterThan(0)
    expect(latencyMs.count).toBeLessThanOrEqual(count)
  })

  test('talks to it, and is acknowledged', async ({ skip }) => {
    const { server, address } = await startPython(skip, 'broadcast_published.py')
    const talk = new Invocation(['talk', address, '--protocol', '{ broadcast: { framing: text } }'], {
      stdin: 'hello\n',
    })
    const { code, stdout } = await talk.ended
    expect(stdout).toMatch(/^127\.0\.0\.1:\d+: 已经收到信息\n$/)
    expect(code).toBe(0)
    expect(await countsOf(server)).toMatchObject({ messages: 1, undecoded: 0, acknowledgements: 1, deliveries: 0 })
  })

  test('is never acknowledged under another client_ip, and the report says what may be wrong', async ({ skip }) => {
    const { server, address } = await startPython(skip, 'broadcast_published.py')
    const file = scenarioFile(`
name: other
target: { address: "${address}" }
protocol: { broadcast: { framing: text } }
connections: 2
requests: 2
timeout: 300ms
loop: [{ send: { clientIp: "10.0.0.1:{{seq 2}}", body: hello } }]
`)
    const { report } = await run(file, '--warmup', '0s')
    expect(report.totals).toMatchObject({ completed: 0, failures: { timeout: 2 } })
    const counts = await countsOf(server)
    expect(counts).toMatchObject({ messages: 2, undecoded: 0, acknowledgements: 0 })
    expect(counts['deliveries']).toBe(report.deliveries!.count)
    expect(report.silence).toMatch(/^\d deliveries came and no acknowledgement: does the server know this client by/)
  })
})

describe('Python clients that have no framing', () => {
  const cases = [
    ['text', 'text'],
    ['json', 'json'],
  ] as const
  test.for(cases)('are served by volley serve broadcast --framing %s', async ([framing, told], { skip }) => {
    skipWithout('python3', '--version', 'python3', skip)
    const [clients, messages] = [5, 40]
    const server = await referenceServer('broadcast', { framing })
    const port = new URL(server.url).port
    const script = join(packageRoot, 'harness/cli/testing/broadcast_client.py')
    const program = new Program('python3', [script, port, String(clients), String(messages), told])
    const counts = JSON.parse(await program.says(/^(\{.*\})\n/))
    const delivered = (clients * (clients - 1)) / 2 + clients * messages * (clients - 1) + (clients - 1) * (clients - 2)
    expect(counts).toEqual({ acknowledged: clients * (messages + 1) + clients - 1, delivered, left: 1 })
    // One of them left with a message.
    expect(server.requests()).toBe(clients * (messages + 1) + clients)
    expect(server.deliveries()).toBe(delivered)
  })
})

describe('the broadcast server of volley without framing', () => {
  test.each(['json', 'text'])('delivers every message, with framing %s', async framing => {
    const { code, report } = await run(scenarioOf(framing, '{ serve: broadcast }', 20), ...counted, '2000')
    expect(code).toBe(0)
    expectWhole(report)
    expect(report.deliveries!.serverSent).toBe(report.deliveries!.count)
    expect(report.server?.requests).toBe(report.totals.sent)
  })

  test.each(['split: random', 'coalesce: 3'])('takes objects that are cut or glued on their way: %s', async wire => {
    const file = scenarioOf('text', '{ serve: broadcast }', 5)
    const { code, report } = await run(file, ...counted, '500', '-p', '8', '--set', `wire={ ${wire} }`)
    expect(code).toBe(0)
    expectWhole(report)
  })

  test.each(['json', 'text', 'websocket'])('answers volley talk, with framing %s', async framing => {
    const { url } = await referenceServer('broadcast', { framing })
    const talk = new Invocation(['talk', url, '--protocol', `{ broadcast: { framing: ${framing} } }`], {
      stdin: 'hello\nsecond\n/q\n',
    })
    const { code, stdout, stderr } = await talk.ended
    expect(stdout).toMatch(/^(127\.0\.0\.1:\d+: 已经收到信息\n){2}$/)
    expect(stderr).toContain('the server closed the connection')
    expect(code).toBe(2)
  })

  test.each(['json', 'text', 'websocket'])(
    'shows volley talk each step of a scenario, with framing %s',
    async framing => {
      const { code, stdout } = await volley('talk', scenarioOf(framing, '{ serve: broadcast }', 1))
      expect(code).toBe(0)
      expect(stdout).toMatch(/^> "/m)
      expect(stdout).toMatch(/^< "127\.0\.0\.1:\d+: 已经收到信息"/m)
    },
  )

  test('passes volley torture, with framing json', async () => {
    const result = await volleyTorture(scenarioOf('json', '{ serve: broadcast }', 1), '--only', framingTrials)
    expect(result.code).toBe(0)
    expect(result.trials.filter(({ verdict }) => verdict === 'fail')).toEqual([])
    expect(named(result, 'skipped')).toEqual(['negative-length', 'huge-length'])
  })

  test('passes volley torture with framing text if the request names no address of its connection', async () => {
    const file = scenarioOf('text', '{ serve: broadcast }', 1)
    const refused = await volley('torture', file)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('takes a captured value or the address of its connection')
    const send = ['--send', '{"clientIp": "", "body": "hello"}']
    const result = await volleyTorture(file, ...send, '--only', framingTrials)
    expect(result.code).toBe(0)
    expect(result.trials.filter(({ verdict }) => verdict === 'fail')).toEqual([])
    expect(named(result, 'skipped')).toEqual(['negative-length', 'huge-length'])
  })
})
