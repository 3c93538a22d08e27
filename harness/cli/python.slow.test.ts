import { afterEach, expect, test } from 'vitest'
import { countsOf, startPython } from './testing/python.ts'
import { balances, cleanUp, run, scenarioFile, volley } from './testing/volley.ts'

afterEach(cleanUp)

test('an RPC server in Python answers every request out of order, and counts what volley counts', async ({ skip }) => {
  for (const [args, protocol] of [
    [[], 'rpc'],
    [['bare'], '{ rpc: { lengthPrefix: false } }'],
  ] as const) {
    const { server, address } = await startPython(skip, 'rpc_server.py', ...args)
    const file = scenarioFile(`
name: rpc-python
target: { address: "${address}" }
protocol: ${protocol}
connections: 2
load: { mode: loop, pipeline: 50 }
duration: 700ms
warmup: 0s
connect:
  - send: { type: 9, body: "python:secret" }
    expect: { type: 9 }
    capture: { token: "json:access.token" }
loop:
  - send: { type: 7, version: -2, extension: -3, body: "{{token}} {{seq}} {{random 100}}" }
    expect: echo
  - send: { type: 255, body: { random: 20KiB } }
    expect: echo
`)
    const { code, report } = await run(file)
    expect(code).toBe(0)
    const { totals } = report
    expect(totals.failures).toEqual({})
    expect(totals).toMatchObject({ late: 0, handshakes: { sent: 2, completed: 2 } })
    expect(totals.completed).toBeGreaterThan(0)
    expect(balances(report)).toBe(true)
    const counts = await countsOf(server)
    expect(counts['requests']).toBe(totals.completed + totals.inFlightAtEnd + 2)
    expect(counts).toMatchObject({ logins: 2 })
    expect(counts['outOfOrder']).toBeGreaterThan(totals.completed / 4)
  }
})

test('a TLV server in Python answers every request, and counts what volley counts', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'tlv_server.py')
  const file = scenarioFile(`
name: tlv-python
target: { address: "${address}" }
protocol: tlv
connections: 6
load: { mode: loop, pipeline: 8 }
requests: 200
connect:
  - { send: { type: 9, body: hello }, expect: { type: 9, body: hello } }
mix:
  - { send: { type: 1, body: "{{seq}} {{uuid}}" }, expect: echo, weight: 6 }
  - { send: { type: 4294967295, body: "" }, expect: echo, weight: 1 }
  - { send: { type: 2, body: { random: 300KiB } }, expect: echo, weight: 1 }
`)
  const { code, report } = await run(file)
  expect(code).toBe(0)
  const { totals } = report
  expect(totals.failures).toEqual({})
  expect(totals.completed).toBe(200)
  expect(balances(report)).toBe(true)
  const counts = await countsOf(server)
  expect(counts['requests']).toBe(totals.completed + totals.inFlightAtEnd + totals.handshakes.sent)
  expect(counts['bytesIn']).toBe(totals.bytesSent)
})

test('a server in Python that frames only what it reads is spoken to, tortured, and counts what volley counts', async ({
  skip,
}) => {
  const protocol = '{ frame: { request: [ { length: u32 }, body ], reply: [ { body: 8 } ] } }'
  for (const transport of ['epoll', 'node']) {
    const { server, address } = await startPython(skip, 'framed_requests.py')
    const file = scenarioFile(`
name: framed-requests
target: { address: "${address}" }
protocol: ${protocol}
connections: 5
requests: 2000
load: { pipeline: 4 }
loop:
  - { send: "hello {{random 0..9999}}", expect: { equals: received } }
  - { send: { random: 20KiB }, expect: { equals: received } }
`)
    const { code, report } = await run(file, '--transport', transport)
    expect(code).toBe(0)
    expect(report.totals).toMatchObject({ sent: 2000, completed: 2000 })
    expect(report.totals.failures).toEqual({})
    expect(await countsOf(server)).toEqual({ requests: 2000, bytesIn: report.totals.bytesSent })
  }
  const { address } = await startPython(skip, 'framed_requests.py')
  const shown = await volley('torture', address, '--protocol', protocol, '--timeout', '3s')
  expect(shown.stdout).toMatch(/^ {2}split +pass/m)
  expect(shown.stdout).toMatch(/^ {2}negative-length +pass/m)
  expect(shown.stdout).toMatch(/^ {2}glued-and-cut +pass/m)
  expect(shown.stdout).toMatch(/\d+ pass/)
})

test('what a server in Python says by itself is told from its replies, and counted', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'noticing_server.py')
  const file = (rules: string) =>
    scenarioFile(`
name: noticing
target: { address: "${address}" }
protocol: { line: {}, replies: { ${rules} } }
connections: 6
requests: 2000
loop: [ { send: "hello {{seq}}", expect: echo } ]
`)
  const delivered = await run(file('deliver: "a new client"'))
  expect(delivered.code).toBe(0)
  expect(delivered.report.totals).toMatchObject({ sent: 2000, completed: 2000 })
  expect(delivered.report.totals.failures).toEqual({})
  const ignored = await run(file('ignore: "a new client"'))
  expect(ignored.report.totals).toMatchObject({ sent: 2000, completed: 2000 })
  expect(ignored.report.totals.failures).toEqual({})
  const counts = await countsOf(server)
  expect(counts['requests']).toBe(4000)
  // Each run opens six connections one after the other: 0 + 1 + 2 + 3 + 4 + 5 notices.
  expect(delivered.report.deliveries?.count).toBe(15)
  expect(ignored.report.totals.ignored).toBe(15)
  expect(counts['notices']).toBe(30)
})
